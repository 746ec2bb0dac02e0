"""The toolbox: whatever a tool does, its call ends in a result that the model can act on."""

import asyncio
import contextvars
import logging
import os
import select
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from anima.errors import ToolError
from anima.tools.tool import Tool, tool
from anima.tools.toolbox import Outcome, Toolbox
from anima.vocabulary import Call


def call(name: str, _workspace: Path = Path("workspace"), **arguments: Any) -> Call:
    return Call(name, arguments, "arya", "cli:main", _workspace, "key-1")


async def run(made: Tool, **arguments: Any) -> Outcome:
    return await Toolbox([made]).run(call(made.name, **arguments), None)


@tool(result="trusted")
def double(n: int) -> int:
    """Twice n."""
    return 2 * n


async def test_a_plain_function_runs_in_a_thread() -> None:
    @tool
    def where() -> str:
        return threading.current_thread().name

    assert (await run(where)).text == "tool where"


async def test_an_async_function_runs_on_the_loop() -> None:
    @tool
    async def where() -> bool:
        await asyncio.sleep(0)
        return threading.current_thread() is threading.main_thread()

    assert await run(where) == Outcome(True, "true", "untrusted")


@pytest.mark.parametrize(
    ("value", "text"),
    [("text", "text"), ("", ""), (5, "5"), (None, "null"), ([1, "é"], '[1,"é"]'), ({"a": Path("b")}, '{"a":"b"}')],
)
async def test_text_is_given_as_it_is_and_anything_else_as_json(value: object, text: str) -> None:
    @tool
    def give() -> object:
        return value

    assert (await run(give)).text == text


async def test_the_kind_of_a_result_is_what_its_tool_declares() -> None:
    assert (await run(double, n=2)).label == "trusted"


async def test_a_tool_error_tells_the_model_what_to_change() -> None:
    @tool
    def refuse() -> None:
        raise ToolError("no such city", "try a bigger one")

    assert await run(refuse) == Outcome(False, "no such city\ntry a bigger one", "untrusted")


@pytest.mark.parametrize(
    "error", [ValueError("boom"), StopIteration("boom"), SystemExit("boom"), ExceptionGroup("boom", [ValueError()])]
)
@pytest.mark.parametrize("on_loop", [True, False])
async def test_a_tool_that_raises_tells_the_model_what_went_wrong(
    error: BaseException, on_loop: bool, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    def in_thread() -> None:
        raise error

    @tool
    async def looping() -> None:
        raise error

    outcome = await run(looping if on_loop else in_thread)
    assert not outcome.ok
    assert type(error).__name__ in outcome.text
    assert "Traceback" not in outcome.text
    assert "Traceback" in caplog.text


async def test_a_tool_that_cancels_itself_does_not_cancel_the_turn() -> None:
    @tool
    async def odd() -> None:
        raise asyncio.CancelledError

    assert not (await run(odd)).ok


async def test_wrong_arguments_do_not_run_the_tool() -> None:
    outcome = await run(double, n="many")
    assert outcome == Outcome(
        False,
        "the argument n is wrong: input should be a valid integer, unable to parse string as an integer, got 'many'",
        "trusted",
    )


async def test_arguments_that_are_no_object_are_shown_back() -> None:
    outcome = await Toolbox([double]).run(call("double"), '{"n": ')
    assert outcome == Outcome(False, 'the arguments must be one JSON object, got: {"n": ', "trusted")


async def test_an_unknown_tool_names_the_nearest_and_all_others() -> None:
    outcome = await Toolbox([double]).run(call("duoble"))
    assert outcome.text == "there is no tool duoble; did you mean double? there are: double"


async def test_long_output_keeps_its_head_and_its_tail() -> None:
    @tool(output_cap=80)
    def long() -> str:
        return "aaaaaaaaaa" + "b" * 1000 + "cccccccccc"

    assert await run(long) == Outcome(True, "aaaaaaaaaa\n[... 1,000 characters left out ...]\ncccccccccc", "untrusted")


async def test_output_that_cannot_be_stored_is_made_storable() -> None:
    @tool
    def odd() -> str:
        return "a\ud800b"

    assert (await run(odd)).text == "a?b"


async def test_a_late_tool_on_the_loop_is_ended() -> None:
    ended = asyncio.Event()

    @tool(timeout=0.02)
    async def late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    assert await run(late) == Outcome(False, "late took longer than 0.02 s", "untrusted")
    assert ended.is_set()


async def test_a_late_thread_is_left_alone_and_the_model_is_told() -> None:
    go = threading.Event()

    @tool(timeout=0.02)
    def late() -> None:
        go.wait()

    outcome = await run(late)
    go.set()
    assert outcome.text == "late took longer than 0.02 s; it cannot be ended and may still be at work"


async def test_a_time_out_of_the_tools_own_is_its_own_error() -> None:
    @tool
    async def impatient() -> None:
        raise TimeoutError("the service did not answer")

    assert (await run(impatient)).text == "TimeoutError: the service did not answer"


async def test_cancelling_a_call_cancels_its_tool() -> None:
    begun = asyncio.Event()

    @tool
    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(run(slow))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class SteppingClock:
    """A clock that moves on by a second whenever it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds

    now = monotonic

    async def sleep(self, seconds: float) -> None: ...

    def new_key(self) -> str:
        return "key"

    def chance(self) -> float:
        return 0.5


async def test_a_tool_that_holds_the_loop_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def heavy() -> None: ...

    await Toolbox([heavy], SteppingClock()).run(call("heavy"))
    assert "tool heavy held the event loop for 1000 ms" in caplog.text


async def test_a_tool_that_waits_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def light() -> None:
        await asyncio.sleep(0)

    with caplog.at_level(logging.WARNING):
        await run(light)
    assert caplog.text == ""


async def test_a_call_is_injected_and_its_progress_reported_from_a_thread() -> None:
    heard: list[tuple[str, str]] = []

    @tool
    def working(n: int, call: Call) -> str:
        call.progress(f"{n} of 3")
        return f"{call.agent} {call.effect_key} {call.attempt}"

    asked = Call(
        "working",
        {"n": 1},
        "arya",
        "c",
        Path(),
        "k",
        progress=lambda text: heard.append((text, threading.current_thread().name)),
    )
    assert (await Toolbox([working]).run(asked)).text == "arya k 1"
    assert heard == [("1 of 3", "MainThread")]


async def test_a_thread_sees_the_context_of_its_turn() -> None:
    turn = contextvars.ContextVar("turn", default="")
    turn.set("t17")

    @tool
    def which() -> str:
        return turn.get()

    assert (await run(which)).text == "t17"


async def test_threads_are_bounded_and_waiting_for_one_counts_as_time() -> None:
    go = threading.Event()

    @tool(timeout=0.05)
    def late() -> None:
        go.wait()

    box = Toolbox([late])
    outcomes = await asyncio.gather(*(box.run(call("late")) for _ in range(20)))
    running = [thread for thread in threading.enumerate() if thread.name == "abandoned tool late"]
    go.set()
    assert len(running) == 16
    assert {outcome.ok for outcome in outcomes} == {False}


def test_two_tools_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tools are called double"):
        Toolbox([double, double])


def test_specs_keep_their_order() -> None:
    @tool
    def another() -> None: ...

    assert [spec.name for spec in Toolbox([double, another]).specs] == ["double", "another"]


def test_a_class_that_cannot_be_told_is_once() -> None:
    @tool(effect=lambda arguments: arguments["missing"])
    def f(n: int) -> None: ...

    @tool(effect=lambda n: "internal")
    def g(n: int) -> None: ...

    box = Toolbox([f, g])
    assert [box.effect_class(name, {"n": 1}) for name in ("f", "g", "no_tool")] == ["once", "once", "read"]


async def test_only_a_tool_that_can_find_out_recovers() -> None:
    async def recover(asked: Call) -> str:
        if asked.effect_key == "bad":
            raise ToolError("it had failed")
        return "found" if asked.effect_key == "good" else ""

    box = Toolbox([double, Tool(double.function, "able", recover=recover)])
    assert await box.recover(call("double")) is None
    assert await box.recover(call("able")) is None
    keyed = {key: Call("able", {}, "a", "c", Path(), key) for key in ("good", "bad")}
    assert await box.recover(keyed["good"]) == Outcome(True, "found", "untrusted")
    assert await box.recover(keyed["bad"]) == Outcome(False, "it had failed", "untrusted")


@tool(isolate=True, output_cap=100)
def aside(what: str, call: Call) -> Any:
    """Does something in a process of its own."""
    match what:
        case "pid":
            return os.getpid()
        case "call":
            call.progress("half way")
            return f"{call.agent} {call.workspace} {call.effect_key}"
        case "print":
            print("noise")
            return "result"
        case "refuse":
            raise ToolError("not this", "that")
        case "raise":
            raise ValueError("boom")
        case "exit":
            sys.exit(3)
        case "crash":
            os.kill(os.getpid(), 11)
        case "long":
            return "x" * 5_000_000
    return None


@tool(isolate=True)
async def aside_async(n: int) -> int:
    await asyncio.sleep(0)
    return n + 1


@tool(isolate=True, timeout=1.0)
def stuck(pipe: str) -> None:
    child = os.fork()
    with open(pipe, "w") as file:
        file.write(f"{os.getpid()}\n")
    while child >= 0:
        pass


async def test_an_isolated_tool_runs_in_another_process() -> None:
    assert int((await run(aside, what="pid")).text) != os.getpid()
    assert (await run(aside_async, n=1)).text == "2"


async def test_an_isolated_tool_has_its_call_and_reports_progress() -> None:
    heard: list[str] = []
    asked = Call("aside", {"what": "call"}, "arya", "c", Path("w"), "k", progress=heard.append)
    assert (await Toolbox([aside]).run(asked)).text == "arya w k"
    assert heard == ["half way"]


@pytest.mark.parametrize(
    ("what", "ok", "text"),
    [
        ("print", True, "result"),
        ("refuse", False, "not this\nthat"),
        ("raise", False, "ValueError: boom"),
        ("exit", False, "SystemExit: 3"),
        ("crash", False, "the process of the tool ended without a result (exit status -11)"),
    ],
)
async def test_however_an_isolated_tool_ends_there_is_a_result(what: str, ok: bool, text: str) -> None:
    outcome = await run(aside, what=what)
    assert outcome.ok is ok
    assert text in outcome.text


async def test_an_isolated_tools_long_output_is_cut_before_it_travels() -> None:
    outcome = await run(aside, what="long")
    assert outcome.ok
    assert "4,999,960 characters left out" in outcome.text


async def test_a_late_isolated_tool_is_killed_with_its_children(tmp_path: Path) -> None:
    pipe = tmp_path / "pids"
    os.mkfifo(pipe)
    task = asyncio.ensure_future(run(stuck, pipe=str(pipe)))
    processes = [os.pidfd_open(int(pid)) for pid in (await asyncio.to_thread(pipe.read_text)).split()]
    assert (await task).text == "stuck took longer than 1 s and was ended"
    for process in processes:
        assert select.select([process], [], [], 20)[0], "it still runs"
        os.close(process)
