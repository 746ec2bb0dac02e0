"""`anima chat` over a pipe: every line is answered, and what cannot be is told."""

import stat
from pathlib import Path

import pytest

from anima import Agent, Runtime
from anima.testing import Answer, ScriptedModel
from tests.cli.chat_server import ChatServer, Say
from tests.cli.program import Anima
from tests.repl.said import ADD, LOOK, asked

pytestmark = pytest.mark.usefixtures("agents")


def test_over_a_pipe_every_line_is_answered_and_its_end_is_a_good_end(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("**One**."), ADD, Say("Two.")]
    done = anima("chat", "arya", stdin="first\n\nsecond\n")
    assert (done.status, done.out) == (0, "**One**.\nTwo.\n")
    assert done.err == '  > add {"a": 17, "b": 25} (done, 0.0 s)\n'


def test_without_a_name_one_speaks_with_the_first_of_the_home(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("Hello.")]
    anima("chat", stdin="hello")
    assert server.requests[0]["messages"][0]["content"].startswith("You are arya.")


def test_names_in_front_say_who_answers(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("I am bran."), Say("Both."), Say("Both."), Say("Still me.")]
    done = anima("chat", "arya", stdin="bran: who?\n@arya @bran hello\nbran:\nand now?\n")
    assert done.out == "I am bran.\narya:\nBoth.\nbran:\nBoth.\nStill me.\n"
    assert server.requests[-1]["messages"][0]["content"].startswith("You are bran.")


def test_one_agent_asks_another_and_tells(anima: Anima, server: ChatServer) -> None:
    ask = Say(calls=(("ask_agent", {"agent": "bran", "text": "who are you?"}),))
    server.script = [ask, Say("I am bran."), Say("He is bran.")]
    assert anima("chat", "arya", stdin='arya: ask bran "who are you?"\n').out == "He is bran.\n"
    assert "ask_agent" in asked(server, 0)


def test_an_agent_without_the_tool_cannot_ask(anima: Anima) -> None:
    done = anima("chat", "arya", stdin='bran: ask arya "who are you?"\n')
    assert done.err == ('error: bran cannot ask anybody\n  hint: add "ask_agent" to [tools] enabled in its settings\n')


def test_a_backslash_at_the_end_goes_on_in_the_next_line(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("Yes.")]
    anima("chat", stdin="one\\\ntwo\n")
    assert "one\ntwo" in asked(server)


def test_a_line_that_makes_no_sense_is_told_and_the_next_is_answered(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("Here.")]
    done = anima("chat", stdin="/hlep\n@nobody hello\nhello\n")
    assert (done.status, done.out) == (0, "Here.\n")
    assert "did you mean /help?" in done.err
    assert "no agent is called 'nobody' here" in done.err


def test_a_model_that_fails_is_told_and_the_next_line_is_answered(anima: Anima, server: ChatServer) -> None:
    server.script = [Say(status=400), Say("Here.")]
    done = anima("chat", stdin="hello\nhello?\n")
    assert (done.status, done.out) == (0, "Here.\n")
    assert "error: " in done.err


def test_a_call_that_needs_a_yes_is_denied_where_nobody_can_be_asked(
    anima: Anima, server: ChatServer, home: Path
) -> None:
    server.script = [LOOK, Say("I may not.")]
    done = anima("chat", stdin="look\n/approve\n")
    assert done.out == "I may not.\n"
    assert "note: shell (t1.1.1): Denied: this needs a person's yes" in done.err
    assert "nothing waits for your yes" in done.err
    assert not (home / "agents" / "arya" / "workspace" / "ran").exists()


def test_files_go_along_by_their_path(anima: Anima, server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "my notes.md").write_text("the sky is green")
    (tmp_path / "b.md").write_text("grass is blue")
    server.script = [Say("Read.")]
    anima("chat", stdin=f'/attach {tmp_path}/b.md\n/attach {tmp_path}/gone\nread @file:"{tmp_path}/my notes.md"\n')
    assert "read my notes.md" in asked(server)
    assert "the sky is green" in asked(server)
    assert "grass is blue" in asked(server)


def test_orders_tell_what_there_is(anima: Anima, server: ChatServer) -> None:
    server.script = [Say("Hi.")]
    orders = "/agents\n/status\n/tools\n/model\nhello\n/history\n/stop\n/help\n"
    done = anima("chat", "arya", stdin=orders)
    for told in (
        "arya   active  openai/scripted",
        "the home is open",
        "TOOL OF arya",
        "arya: openai/scripted",
        "t1 user: hello\nt1 assistant: Hi.",
        "/attach FILE",
        "Ctrl-C",
    ):
        assert told in done.out
    assert "nothing was under way" in done.err


@pytest.mark.parametrize("order", ["/memory", "memory arya", "history clear arya"])
def test_what_is_not_built_yet_says_so(anima: Anima, order: str) -> None:
    assert "not active yet" in anima("chat", stdin=order).err


def test_what_was_said_can_be_summarised_begun_anew_and_taken_away(
    anima: Anima, server: ChatServer, tmp_path: Path
) -> None:
    server.script = [Say("One."), Say("Summary."), Say("Two."), Say("Summary.")]
    said = tmp_path / "said.md"
    done = anima("chat", "arya", stdin=f"first\n/compact\nsecond\n/new\n/export {said}\n/export {said}\n")
    assert done.status == 0
    assert "Summary." in done.out
    assert said.read_text().startswith("# cli:main with arya\n\n## user (t1, ")
    assert "name a file that is not there yet" in done.err
    assert stat.S_IMODE(said.stat().st_mode) == 0o600


def test_agents_are_made_changed_put_to_rest_and_woken(anima: Anima, server: ChatServer, home: Path) -> None:
    (home / "rob.md").write_text("You are rob.")
    server.script = [Say("I am rob.")]
    orders = (
        f"agent create rob --persona {home / 'rob.md'} --from arya",
        f"agent create rob --persona {home / 'rob.md'}",
        "set llm openai/other",
        "/model",
        "agent stop rob",
        "rob: are you there?",
        'agent start rob --every 5m --on-timer "Look around."',
        "agent start rob --sometimes 5m",
        "agent start nobody",
    )
    done = anima("chat", "arya", stdin="\n".join(orders), OPENAI_BASE_URL=server.url)
    assert "arya: openai/other" in done.out
    assert "rob is stopped" in done.out
    assert "rob is stopped (`agent start rob` wakes it); what you said is kept for later" in done.err
    assert "an agent starts with --every and --on-timer" in done.err
    assert "no agent is called 'nobody' here" in done.err
    settings = (home / "agents" / "rob" / "agent.toml").read_text()
    assert "[timer]\n" in settings
    assert 'every = "5m"' in settings
    assert 'message = "Look around."' in settings


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody",), "no agent is called 'nobody' here"),
        (("arya", "--conversation", ""), "1 to 200 printable"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(anima: Anima, words: tuple[str, ...], told: str) -> None:
    done = anima("chat", *words, stdin="hello")
    assert done.status == 2
    assert told in done.err


def test_an_agent_whose_settings_are_wrong_says_so_and_the_others_live(
    anima: Anima, server: ChatServer, home: Path
) -> None:
    (home / "agents" / "bran" / "agent.toml").write_text("nmae = 1")
    server.script = [Say("Here.")]
    done = anima("chat", stdin="hello\nbran: hello\n")
    assert (done.status, done.out) == (0, "Here.\n")
    assert "bran cannot wake: " in done.err
    assert "what you said is kept for later" in done.err


def test_a_home_where_nobody_lives_says_how_to_move_in(anima: Anima, tmp_path: Path) -> None:
    done = anima("chat", "--home", tmp_path / "empty", stdin="hello")
    assert done.status == 2
    assert "nobody lives in" in done.err


async def test_an_answer_nobody_saw_is_shown_first_and_once(anima: Anima, home: Path) -> None:
    async with Runtime(home, [Agent("arya", model=ScriptedModel([Answer("The answer.")]))]) as runtime:
        async for _ in runtime.stream("arya", "hello", conversation="cli:main", source="cli"):
            pass
    first, second = anima("chat", stdin=""), anima("chat", stdin="")
    assert (first.out, first.err) == ("The answer.\n", "arya to “hello”:\n")
    assert (second.out, second.err) == ("", "")
