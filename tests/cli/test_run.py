"""`anima run`: one task, one answer, one exit status; and nothing is lost in between."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.chat_server import ChatServer, Say, chat_server
from tests.cli.conftest import PROGRAM
from tests.cli.program import Anima

DOCUMENT = {
    *("ok", "agent", "conversation", "event", "turn", "state", "answer", "steps", "usage", "model", "seconds"),
    *("denied", "unknown"),
}
ADD = Say(calls=(("add", {"a": 17, "b": 25}),))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, server: ChatServer) -> Path:
    """An agent that thinks with the scripted server and never waits between tries."""
    return configure(tmp_path, server.url)


def configure(folder: Path, url: str, more: str = "") -> Path:
    path = folder / "config.toml"
    path.write_text(f"""
[agent]
name = "calc"
system_prompt = "You calculate."
[llm]
provider = "openai"
model = "scripted"
base_url = "{url}"
[tools]
enabled = ["add", "shell"]
[retry]
max_retries = 1
initial_delay_ms = 1
max_delay_ms = 1
{more}
""")
    return path


@pytest.fixture
def surroundings(surroundings: dict[str, str]) -> dict[str, str]:
    return surroundings | {"OPENAI_API_KEY": "test-key"}


def test_the_answer_is_on_stdout_and_everything_else_on_stderr(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [ADD, Say("It is 42.")]
    done = here("run", config, "17 + 25?")
    assert (done.status, done.out) == (0, "It is 42.\n")
    assert "-> add" in done.err
    assert "<- add done" in done.err
    assert "It is 42." not in done.err


def test_quiet_leaves_stderr_empty_and_verbose_tells_sizes(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say("Yes."), Say("Yes.")]
    assert here("run", config, "sure?", "--quiet").err == ""
    assert "20 tokens in, 4 out" in here("run", config, "sure?", "--verbose").err


def test_json_is_the_one_document(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [ADD, Say("It is 42.")]
    document = here("run", config, "17 + 25?", "--json").document
    assert set(document) == DOCUMENT
    assert (document["ok"], document["agent"], document["conversation"]) == (True, "calc", "cli:main")
    assert (document["event"], document["turn"], document["state"]) == ("e1", "t1", "closed")
    assert (document["answer"], document["steps"]) == ("It is 42.", 2)
    assert document["usage"] == {"input": 40, "output": 8, "cached": 0, "dollars": None}
    assert document["model"] == "openai/scripted"


def test_events_are_json_lines_that_end_with_the_document(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [ADD, Say("It is 42.")]
    lines = here("run", config, "17 + 25?", "--events").lines
    kinds = [line["type"] for line in lines if line["type"] != "token"]
    assert kinds == ["turn_opened", "step", "tool_call", "tool_result", "step", "closed"]
    assert "".join(line["text"] for line in lines if line["type"] == "token") == "It is 42."
    assert set(lines[-1]["document"]) == DOCUMENT
    assert all(set(line) >= {"type", "time", "agent", "conversation", "turn", "step"} for line in lines)


def test_a_task_can_come_from_stdin_into_another_conversation(anima: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say("Read.")]
    done = anima("run", config, "-", "--conversation", "cli:review", "--json", stdin="a long\ntask")
    assert done.document["conversation"] == "cli:review"
    assert server.requests[0]["messages"][-1]["content"] == "a long\ntask"


def test_an_attached_picture_reaches_the_model(
    here: Anima, server: ChatServer, config: Path, tmp_path: Path, home: Path
) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    server.script = [Say("A dot.")]
    assert here("run", config, "What is this?", "--attach", picture).out == "A dot.\n"
    assert "image/png" in json.dumps(server.requests[0]["messages"])
    assert len(list((home / "files").iterdir())) == 1


def test_stats_prints_the_metrics_on_stderr(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say("Yes.")]
    assert "anima_steps 1\n" in here("run", config, "sure?", "--stats", "--quiet").err


@pytest.mark.parametrize(
    "words",
    [[], ["x", "--resume"], ["x", "--json", "--events"], ["x", "--quiet", "--verbose"], [""], ["x", "--conversation="]],
)
def test_words_that_do_not_go_together_are_refused_before_anything_happens(
    here: Anima, config: Path, home: Path, words: list[str]
) -> None:
    wrong = here("run", config, *words)
    assert wrong.status == 2
    assert not home.exists()


def test_stdin_cannot_be_read_twice(anima: Anima) -> None:
    assert "stdin" in anima("run", "/dev/stdin", "-").err


def test_mistakes_in_the_settings_are_told_together_with_their_lines(here: Anima, tmp_path: Path) -> None:
    config = configure(tmp_path, "http://127.0.0.1:1/v1", "[think]\nmax_iteration = 3\n[limits]\nseconds = 'long'")
    wrong = here("run", config, "x")
    assert wrong.status == 2
    assert wrong.err.count("error: ") == 2
    assert "max_iterations" in wrong.err
    document = here("run", config, "x", "--json").document
    assert document["error"]["type"] == "settings_error"
    assert len(document["problems"]) == 2


def test_a_tool_that_does_not_exist_is_a_mistake_in_the_settings(here: Anima, config: Path) -> None:
    config.write_text(config.read_text().replace('"add"', '"ad"'))
    wrong = here("run", config, "x")
    assert wrong.status == 2
    assert "config.toml:" in wrong.err
    assert "add" in wrong.err


def test_a_denied_call_the_model_worked_around_is_listed(anima: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say(calls=(("shell", {"command": "date"}),)), Say("I may not.")]
    done = anima("run", config, "What day is it?", "--json")
    assert (done.status, done.document["ok"]) == (0, True)
    assert [call["tool"] for call in done.document["denied"]] == ["shell"]


def test_a_denied_call_without_an_answer_exits_5(anima: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say(calls=(("shell", {"command": "date"}),)), Say("")]
    done = anima("run", config, "What day is it?", "--json")
    assert (done.status, done.document["ok"]) == (5, False)
    assert done.document["error"]["type"] == "call_denied"


def test_a_limit_exits_4_and_prints_what_there_is(here: Anima, server: ChatServer, tmp_path: Path) -> None:
    config = configure(tmp_path, server.url, "[think]\nmax_iterations = 1")
    server.script = [Say("Let me add.", calls=ADD.calls)]
    done = here("run", config, "17 + 25?")
    assert done.status == 4
    assert "Let me add." in done.out
    assert "max_iterations" in done.err


def test_no_model_reachable_exits_3_and_resume_takes_the_kept_task_up(
    here: Anima, server: ChatServer, tmp_path: Path
) -> None:
    config = configure(tmp_path, "http://127.0.0.1:1/v1")
    away = here("run", config, "17 + 25?", "--json")
    assert (away.status, away.document["ok"], away.document["answer"]) == (3, False, "")
    assert "--resume" in away.document["error"]["hint"]
    refused = here("run", config, "Another?", "--json")
    assert (refused.status, refused.document["error"]["type"]) == (1, "unfinished_turn")
    assert refused.document["event"] == away.document["event"]
    configure(tmp_path, server.url)
    server.script = [Say("It is 42.")]
    assert here("run", config, "--resume").out == "It is 42.\n"


def test_offline_and_without_the_local_model_the_task_is_kept(anima: Anima, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[agent]\nname = "calc"\n[llm]\nprovider = "local"\n[retry]\nmax_retries = 0\n')
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0"}
    away = anima("run", config, "17 + 25?", **offline)
    assert (away.status, away.out) == (3, "")
    assert "anima model get" in away.err
    assert "--resume" in away.err


def test_a_bad_key_exits_1_and_a_new_task_is_accepted(here: Anima, server: ChatServer, config: Path) -> None:
    server.script = [Say(status=401), Say("Yes.")]
    wrong = here("run", config, "sure?", "--json")
    assert (wrong.status, wrong.document["error"]["type"], wrong.document["state"]) == (1, "bad_key", "failed")
    assert here("run", config, "sure?").out == "Yes.\n"


def test_a_turn_that_was_killed_goes_on_where_it_stopped(anima: Anima, server: ChatServer, config: Path) -> None:
    server.script = [ADD, Say("It is 42.")]
    killed = anima("run", config, "17 + 25?", ANIMA_FAULT="effect.finished:1")
    assert killed.status == -signal.SIGKILL
    refused = anima("run", config, "Something else", "--json")
    assert (refused.status, refused.document["turn"]) == (1, "t1")
    resumed = anima("run", config, "--resume", "--json")
    assert (resumed.status, resumed.document["answer"]) == (0, "It is 42.")
    assert len(server.requests) == 2
    over = anima("run", config, "--resume", "--json")
    assert (over.status, over.document["error"]["type"]) == (1, "nothing_to_resume")


def test_an_answer_that_was_closed_and_never_printed_is_printed_without_a_model_call(
    anima: Anima, server: ChatServer, config: Path
) -> None:
    server.script = [Say("It is 42.")]
    assert anima("run", config, "17 + 25?", ANIMA_FAULT="turn.closed:1").out == ""
    assert anima("run", config, "--resume").out == "It is 42.\n"
    assert len(server.requests) == 1


def test_a_stopped_turn_makes_room_for_a_new_task(anima: Anima, server: ChatServer, config: Path) -> None:
    server.script = [ADD, Say("Yes.")]
    anima("run", config, "17 + 25?", ANIMA_FAULT="step.written:1")
    assert anima("turn", "stop", "t1").status == 0
    assert anima("run", config, "sure?").out == "Yes.\n"


def test_what_is_not_active_yet_is_named_once(here: Anima, server: ChatServer, config: Path) -> None:
    config.write_text(config.read_text().replace('"add"', '"add", "remember"') + "[think]\nreflection = true\n")
    server.script = [Say("Yes."), Say("Yes.")]
    told = here("run", config, "sure?").err
    assert told.count("think.reflection is not active yet") == told.count("tool remember is not active yet") == 1
    assert here("run", config, "sure?", "--quiet").err == ""


def test_in_memory_keeps_nothing(here: Anima, server: ChatServer, tmp_path: Path) -> None:
    config = configure(tmp_path, server.url, '[memory]\nbackend = "in_memory"')
    server.script = [Say("Yes.")]
    assert here("run", config, "sure?").out == "Yes.\n"
    assert here("turn", "list", "--json").document["items"] == []
    assert here("run", config, "--resume", "--json").document["error"]["type"] == "nothing_to_resume"


def start(surroundings: dict[str, str], *words: str | Path, screen: int | None = None) -> subprocess.Popen[str]:
    """The program under way, at a terminal (`screen`) or at none."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        stdin=subprocess.DEVNULL if screen is None else screen,
        stdout=subprocess.PIPE if screen is None else screen,
        stderr=subprocess.PIPE if screen is None else screen,
        env=surroundings,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_says_how_to_go_on_and_a_second_run_meanwhile_is_refused(
    anima: Anima, server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say("It ", hang=True), Say("It is 42.")]
    running = start(surroundings, "run", config, "17 + 25?")
    assert server.asked.wait(30)
    busy = anima("run", config, "x", "--json")
    assert (busy.status, busy.document["error"]["type"]) == (1, "agent_busy")
    assert str(running.pid) in busy.document["error"]["message"]
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert f"anima run {config} --resume" in err
    assert "Traceback" not in err
    assert anima("run", config, "--resume").out == "It is 42.\n"


def test_a_request_to_end_is_taken_for_ctrl_c_and_events_say_so(
    server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say("It ", hang=True)]
    running = start(surroundings, "run", config, "17 + 25?", "--events")
    assert server.asked.wait(30)
    running.terminate()
    out, _ = running.communicate(timeout=30)
    last = json.loads(out.splitlines()[-1])
    assert running.returncode == 130
    assert (last["type"], last["turn"], last["document"]["error"]["type"]) == ("closed", "t1", "interrupted")


def test_whoever_waits_for_a_turn_that_somebody_stops_hears_so(
    anima: Anima, server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say("It ", hang=True)]
    running = start(surroundings, "run", config, "17 + 25?", "--json")
    assert server.asked.wait(30)
    assert anima("turn", "stop", "t1").status == 0
    out, _ = running.communicate(timeout=30)
    document = json.loads(out)
    assert (running.returncode, document["ok"], document["state"]) == (1, False, "stopped")


def test_an_answer_nobody_could_read_is_kept_for_resume(
    anima: Anima, server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say("It is 42.")]
    reading, writing = os.pipe()
    os.close(reading)
    command = [*PROGRAM, "run", str(config), "17 + 25?", "--quiet"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=surroundings, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
    assert anima("run", config, "--resume").out == "It is 42.\n"
    assert len(server.requests) == 1


def test_streams_that_the_caller_has_closed_do_no_harm(
    server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say("It is 42.")]
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *PROGRAM, "run", str(config), "17 + 25?"]
    assert subprocess.run(closing, env=surroundings, check=False).returncode == 0


def test_on_a_terminal_the_answer_streams_once_and_a_typed_yes_lets_a_call_run(
    server: ChatServer, config: Path, surroundings: dict[str, str]
) -> None:
    server.script = [Say(calls=(("shell", {"command": "echo 4\x1b[1m2"}),)), Say("It is 42.\x1b[2J")]
    mine, theirs = pty.openpty()
    plain = surroundings | {"TERM": "dumb", "NO_COLOR": "1"}
    running = start(plain, "run", config, "17 + 25?", screen=theirs)
    os.close(theirs)
    shown = read_until(mine, b"[y/N] ")
    assert rb"command: echo 4\x1b[1m2" in shown
    os.write(mine, b"y\n")
    shown = read_until(mine, None)
    os.close(mine)
    assert running.wait(30) == 0
    assert shown.count(b"It is 42.") == 1
    assert b"\x1b[2J" not in shown
    tool = next(message for message in server.requests[1]["messages"] if message["role"] == "tool")
    assert "42" in tool["content"].replace("\x1b[1m", "")


def read_until(terminal: int, end: bytes | None) -> bytes:
    """What the terminal shows, up to `end`, or until the program has left it."""
    shown = b""
    while end is None or end not in shown:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    return shown
