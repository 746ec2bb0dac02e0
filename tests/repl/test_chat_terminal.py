"""`anima chat` on a terminal: a person talks with the agents of a home; nothing said is lost when they leave."""

import os
import stat
from pathlib import Path

import pytest

from tests.cli.chat_server import ChatServer, Say
from tests.cli.person import Person, person
from tests.cli.program import Anima
from tests.repl.said import ADD, LOOK, asked

pytestmark = pytest.mark.usefixtures("agents")


def test_an_answer_is_rendered_and_a_call_is_one_line(sitting: Person, server: ChatServer) -> None:
    server.script = [ADD, Say("# Sum\n\nIt is **42**, see [here](http://example.com/x).\n\n- a\n- b\n")]
    sitting.types("17 + 25?\r")
    sitting.sees('> add {"a": 17, "b": 25} (done')
    shown = sitting.sees("arya>")
    assert "It is 42, see here (http://example.com/x)." in shown
    assert "**" not in shown
    assert " • a" in shown
    sitting.types("\x04")
    assert sitting.leaves() == 0


def test_what_a_model_says_cannot_drive_the_terminal(sitting: Person, server: ChatServer) -> None:
    server.script = [
        Say("\x1b]0;owned\x07 and &#x9b;2J and &#x202e;x and [l](http://e.com/\x1b[2J)\n\n```\n\x1b[6n\n```\n\nDone.")
    ]
    sitting.types("hello\r")
    sitting.sees("Done.")
    for obeyed in (b"\x1b]0;owned", b"\x1b[6n", b"\x1b[2J", "\x9b".encode(), "\u202e".encode(), b"\x1b]8;"):
        assert obeyed not in sitting.raw


def test_ctrl_c_ends_the_turn_and_not_the_program(sitting: Person, server: ChatServer) -> None:
    server.script = [Say("Let me think", hang=True), Say("Here.")]
    sitting.types("hello\r")
    assert server.asked.wait(30)
    sitting.types("\x03")
    sitting.sees("stopped")
    sitting.sees("arya>")
    sitting.types("hello?\r")
    sitting.sees("Here.")
    sitting.types("/quit\r")
    assert sitting.leaves() == 0


def test_ctrl_c_at_the_prompt_drops_the_line_and_then_tells_how_to_leave(sitting: Person, server: ChatServer) -> None:
    sitting.types("not this\x03")
    sitting.sees("arya>")
    sitting.types("\x03")
    sitting.sees("Ctrl-D or /quit leaves")
    sitting.sees("arya>")
    sitting.types("\x04")
    assert sitting.leaves() == 0
    assert server.requests == []


@pytest.mark.parametrize(("typed", "ran"), [("y\r", True), ("\r", False)])
def test_a_call_is_asked_about_and_enter_is_a_no(
    sitting: Person, server: ChatServer, home: Path, typed: str, ran: bool
) -> None:
    server.script = [LOOK, Say("So be it.")]
    sitting.types("look\r")
    assert "command: echo it ran >> ran" in sitting.sees("[y/N] ")
    sitting.types(typed)
    sitting.sees("So be it.")
    assert (home / "agents" / "arya" / "workspace" / "ran").exists() is ran


def test_ctrl_c_at_a_question_ends_the_turn_and_nothing_runs(sitting: Person, server: ChatServer, home: Path) -> None:
    server.script = [LOOK]
    sitting.types("look\r")
    sitting.sees("[y/N] ")
    sitting.types("\x03")
    sitting.sees("stopped")
    sitting.sees("arya>")
    assert not (home / "agents" / "arya" / "workspace" / "ran").exists()


@pytest.mark.parametrize(("order", "told", "ran"), [("/approve", "A1 runs", True), ("/deny A1", "A1 is denied", False)])
def test_a_question_that_comes_while_one_types_waits_for_an_order(
    sitting: Person, server: ChatServer, anima: Anima, home: Path, order: str, told: str, ran: bool
) -> None:
    server.script = [LOOK, Say("So be it.")]
    assert anima("tell", "arya", "look").status == 0
    shown = sitting.sees("/approve A1 or /deny A1")
    assert "command: echo it ran >> ran" in shown
    sitting.types(f"{order}\r")
    sitting.sees(told)
    sitting.sees("So be it.")
    assert (home / "agents" / "arya" / "workspace" / "ran").exists() is ran


def test_two_agents_ask_one_after_the_other(sitting: Person, server: ChatServer) -> None:
    server.script = [LOOK, LOOK, Say("So be it."), Say("So be it.")]
    sitting.types("@all look\r")
    for _ in range(2):
        assert sitting.sees("[y/N] ").count("wants to run shell") == 1
        sitting.types("n\r")
    sitting.sees("bran:")
    sitting.sees("So be it.")


def test_lines_keep_to_eighty_columns(sitting: Person, server: ChatServer) -> None:
    server.script = [Say("word " * 100 + "end.")]
    sitting.types("hello\r")
    shown = sitting.sees("end.")
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80


def test_without_an_editor_lines_are_read_plainly(
    surroundings: dict[str, str], server: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "prompt_toolkit.py").write_text("raise ModuleNotFoundError(__name__)")
    server.script = [Say("Let me", hang=True), Say("It is **42**.")]
    with person(surroundings, "chat", "arya", PYTHONPATH=str(tmp_path)) as someone:
        someone.sees("arya> ")
        someone.types("not this\x03")
        someone.sees("arya> ")
        someone.types("\x03")
        someone.sees("Ctrl-D or /quit leaves")
        someone.types("17 + \\\n25?\n")
        assert server.asked.wait(30)
        assert "17 + \n25?" in asked(server)
        someone.types("\x03")
        someone.sees("stopped")
        someone.types("again?\n")
        someone.sees("It is 42.")
        someone.types("\x04")
        assert someone.leaves() == 0


def test_tab_completes_and_a_paste_of_several_lines_is_one_message(sitting: Person, server: ChatServer) -> None:
    server.script = [Say("Bran here."), Say("Read.")]
    sitting.types("br\thi\r")
    sitting.sees("Bran here.")
    sitting.sees("arya>")
    sitting.types("\x1b[200~/quit\nis a command\x1b[201~\r")
    sitting.sees("Read.")
    assert "/quit\nis a command" in asked(server)


def test_a_backslash_then_enter_is_a_new_line(sitting: Person, server: ChatServer) -> None:
    server.script = [Say("Read.")]
    sitting.types("one\\\rtwo\r")
    sitting.sees("Read.")
    assert "one\ntwo" in asked(server)


def test_what_was_typed_is_kept_for_its_owner_alone(
    sitting: Person, surroundings: dict[str, str], server: ChatServer, home: Path
) -> None:
    server.script = [Say("One."), Say("Two.")]
    sitting.types("remember this line\r")
    sitting.sees("One.")
    sitting.sees("arya>")
    sitting.types("\x04")
    sitting.leaves()
    assert stat.S_IMODE(os.stat(home / "chat.history").st_mode) == 0o600
    with person(surroundings, "chat", "arya") as again:
        again.sees("arya>")
        again.types("\x1b[A\r")
        again.sees("Two.")
    assert "remember this line" in asked(server)


@pytest.mark.parametrize("seat", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_it_works_without_colour(surroundings: dict[str, str], server: ChatServer, seat: dict[str, str]) -> None:
    server.script = [Say("It is **42**.")]
    with person(surroundings, "chat", **seat) as someone:
        someone.sees("arya>")
        someone.types("17 + 25?\r" if "TERM" not in seat else "17 + 25?\n")
        someone.sees("It is")
        someone.sees("arya>")
        someone.types("\x04")
        assert someone.leaves() == 0
    assert b"\x1b[3" not in someone.raw.replace(b"\x1b[39", b"")


def test_a_turn_whose_terminal_was_closed_goes_on_and_its_answer_is_there_on_return(
    surroundings: dict[str, str], sitting: Person, server: ChatServer, anima: Anima
) -> None:
    server.script = [Say("I am thin", hang=True), Say("I am back.")]
    sitting.types("are you there?\r")
    assert server.asked.wait(30)
    sitting.closes_the_terminal()
    with person(surroundings, "chat", "arya") as again:
        again.sees("arya is at work")
        again.sees("arya to “are you there?”:")
        again.sees("I am back.")
        again.types("\x04")
        again.leaves()
    assert anima("chat", "arya", stdin="").out == ""
