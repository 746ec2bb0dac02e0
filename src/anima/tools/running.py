"""Three ways to run a tool's function: on the loop, in a thread, in a process of its own; each with its time-out.

This module knows nothing of models, and does not turn errors into text.
"""

import asyncio
import contextlib
import contextvars
import inspect
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from dataclasses import replace
from typing import Any

from anima.clock import Clock
from anima.errors import ToolError, ToolTimeout
from anima.tools.tool import Tool
from anima.vocabulary import Call

log = logging.getLogger("anima.tools")

STALL = 0.1  # seconds
ABANDONED = "abandoned tool "
"""How the name of a thread begins that nobody waits for any more."""
_Returned = tuple[Any, BaseException | None]
_LINE = 16 * 1_000_000  # bytes: a result of the largest output cap, every character escaped


async def run_on_loop(tool: Tool, arguments: Mapping[str, Any], clock: Clock) -> Any:
    """Await an `async def` tool. While it computes nothing else runs, so its stalls are reported."""
    async with _in_time(tool, ""):
        return await _Watched(tool.name, tool.function(**arguments), clock)


class _Watched(Generator[Any, Any, Any]):
    """Passes a coroutine on to the loop and measures each piece of work between two of its waits."""

    def __init__(self, name: str, coroutine: Coroutine[Any, Any, Any], clock: Clock) -> None:
        self._name = name
        self._coroutine = coroutine
        self._clock = clock

    def __await__(self) -> "_Watched":
        return self

    def send(self, value: Any) -> Any:
        return self._measured(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self._measured(self._coroutine.throw, *error)

    def close(self) -> None:
        self._coroutine.close()

    def _measured(self, work: Callable[..., Any], *given: Any) -> Any:
        started = self._clock.monotonic()
        try:
            return work(*given)
        finally:
            seconds = self._clock.monotonic() - started
            if seconds > STALL:
                log.warning("tool %s held the event loop for %d ms", self._name, seconds * 1000)


class Threads:
    """Runs plain functions in threads, a bounded number at a time.

    A thread cannot be ended from outside: one that is late is left alone, and keeps its place until it ends. They are
    daemons, so that none of them keeps the program from ending.
    """

    def __init__(self, places: int = 16) -> None:
        self._places = asyncio.Semaphore(places)

    async def run(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        async with _in_time(tool, "; it cannot be ended and may still be at work"):
            await self._places.acquire()
            value, error = await self._start(tool, arguments)
        if error is not None:
            raise error
        return value

    def _start(self, tool: Tool, arguments: Mapping[str, Any]) -> asyncio.Future[_Returned]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Returned] = loop.create_future()
        arguments = {name: _for_thread(value, loop) for name, value in arguments.items()}
        context = contextvars.copy_context()

        def work() -> None:
            returned: _Returned
            try:
                returned = context.run(tool.function, **arguments), None
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it is raised again on the loop
                returned = None, error
            with contextlib.suppress(RuntimeError):  # The loop may be closed by now.
                loop.call_soon_threadsafe(self._finish, future, returned)

        thread = threading.Thread(target=work, name=f"tool {tool.name}", daemon=True)

        def name(done: asyncio.Future[_Returned]) -> None:
            if done.cancelled():
                thread.name = f"{ABANDONED}{tool.name}"

        future.add_done_callback(name)
        thread.start()
        return future

    def _finish(self, future: asyncio.Future[_Returned], returned: _Returned) -> None:
        self._places.release()
        if not future.done():
            future.set_result(returned)


def _for_thread(value: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """A `Call` whose progress may be reported from another thread; anything else as it is."""
    if not isinstance(value, Call):
        return value
    report = value.progress

    def progress(text: str) -> None:
        loop.call_soon_threadsafe(report, text)

    return replace(value, progress=progress)


async def run_isolated(tool: Tool, call: Call) -> str:
    """Run a tool in a process of its own; it and its children are killed when it is late or no longer wanted.

    The function must be importable: by its module's name, or from its file. Its text is already within the cap.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "anima.tools.isolated"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE,
        start_new_session=True,
    )
    try:
        async with _in_time(tool, " and was ended"):
            return await _converse(process, tool, call)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())


async def _converse(process: asyncio.subprocess.Process, tool: Tool, call: Call) -> str:
    """Hand the call over, pass its progress on, and take its result."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(_order(tool, call)).encode() + b"\n")
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()
    while line := await process.stdout.readline():
        kind, *news = json.loads(line)
        match kind:
            case "progress":
                call.progress(news[0])
            case "done":
                return str(news[0])
            case "refused":
                raise ToolError(*news)
            case "failed":
                raise RuntimeError(news[0])
    raise ToolError(f"the process of the tool ended without a result (exit status {await process.wait()})")


def _order(tool: Tool, call: Call) -> dict[str, Any]:
    function = tool.function
    return {
        "module": function.__module__,
        "file": inspect.unwrap(function).__code__.co_filename,
        "function": function.__qualname__,
        "output_cap": tool.output_cap,
        "path": [*sys.path, *([str(tool.folder)] if tool.folder else [])],
        "arguments": dict(call.arguments),
        "call": {
            "tool": call.tool,
            "agent": call.agent,
            "conversation": call.conversation,
            "workspace": str(call.workspace),
            "effect_key": call.effect_key,
            "effect_class": call.effect_class,
            "attempt": call.attempt,
            "scratch": str(call.scratch),
        },
    }


@contextlib.asynccontextmanager
async def _in_time(tool: Tool, consequence: str) -> AsyncGenerator[None]:
    """Raises ToolTimeout when the tool's time is over; a TimeoutError of the tool's own passes."""
    try:
        async with asyncio.timeout(tool.timeout) as deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise ToolTimeout(f"{tool.name} took longer than {tool.timeout:g} s{consequence}") from error
