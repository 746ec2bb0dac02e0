"""The toolbox of one agent: it runs calls, and whatever goes wrong becomes a result that the model can act on.

It does not decide whether a call may run, and writes nothing down.
"""

import asyncio
import difflib
import inspect
import logging
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anima.clock import Clock, SystemClock
from anima.errors import ToolError
from anima.tools.running import Threads, run_isolated, run_on_loop
from anima.tools.text import as_text, shorten
from anima.tools.tool import ResultKind, Tool
from anima.vocabulary import Call, EffectClass, Tell, ToolSpec

log = logging.getLogger("anima.tools")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: what the model is told, and how far that is trusted.

    `write` is what a tool of class "internal" wants to be committed with its result.
    """

    ok: bool
    text: str
    label: ResultKind
    write: Tell | None = None


class Toolbox:
    """Tools by name, in a stable order. Raises ValueError when two have one name."""

    def __init__(self, tools: Iterable[Tool], clock: Clock | None = None) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"two tools are called {tool.name}")
            self._tools[tool.name] = tool
        self._clock = clock or SystemClock()
        self._threads = Threads()
        self.specs: tuple[ToolSpec, ...] = tuple(tool.spec for tool in self._tools.values())

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def effect_class(self, name: str, arguments: Mapping[str, Any]) -> EffectClass:
        """What happens to such a call after a crash: "once" where its tool cannot say, "read" without a tool."""
        tool = self._tools.get(name)
        if tool is None:
            return "read"
        try:
            return tool.effect_class(arguments)
        except Exception:
            log.warning("tool %s cannot tell the effect class of a call", name, exc_info=True)
            return "once"

    async def run(self, call: Call, unparsed: str | None = None) -> Outcome:
        """Run a call to its end. Never raises, except when it is cancelled itself.

        `unparsed` is what the model wrote for arguments that were no JSON object.
        """
        tool = self._tools.get(call.tool)
        if tool is None:
            return Outcome(False, self._no_such_tool(call.tool), "trusted")
        if unparsed is not None:
            return Outcome(False, f"the arguments must be one JSON object, got: {shorten(unparsed, 300)}", "trusted")
        try:
            arguments = tool.arguments.check(call.arguments)
        except ToolError as error:
            return Outcome(False, shorten(str(error), tool.output_cap), "trusted")
        return await self._outcome(tool, self._perform(tool, call, arguments))

    async def recover(self, call: Call) -> Outcome | None:
        """How a call of class "once" ended that was running when the process died; None where nobody can tell."""
        tool = self._tools.get(call.tool)
        if tool is None or tool.recover is None:
            return None
        found = await self._outcome(tool, tool.recover(call))
        return found if found.text else None

    async def _outcome(self, tool: Tool, result: Awaitable[str | Tell]) -> Outcome:
        try:
            given = await result
            if isinstance(given, Tell):
                return Outcome(True, "", tool.result, given)
            return Outcome(True, shorten(given, tool.output_cap), tool.result)
        except ToolError as error:
            text = f"{error.message}\n{error.hint}" if error.hint else error.message
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            text = "the tool was cancelled from inside"
        except (Exception, SystemExit) as error:
            log.exception("tool %s failed", tool.name)
            text = f"{type(error).__name__}: {error}"
        return Outcome(False, shorten(text, tool.output_cap), tool.result)

    async def _perform(self, tool: Tool, call: Call, arguments: dict[str, Any]) -> str | Tell:
        if tool.isolate:
            return await run_isolated(tool, call)
        if tool.arguments.call:
            arguments[tool.arguments.call] = call
        if inspect.iscoroutinefunction(tool.function):
            given = await run_on_loop(tool, arguments, self._clock)
            return given if isinstance(given, Tell) and tool.effect == "internal" else as_text(given)
        return as_text(await self._threads.run(tool, arguments))

    def _no_such_tool(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._tools, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"there is no tool {shorten(name, 100)}; {hint}there are: {', '.join(self._tools) or 'none'}"
