"""What tests of turns share: tools that write to a ledger, a home that can be left and entered again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anima import Agent, Call, Closed, Mode, Model, Progress, Runtime, Tool, ToolError, Turn, tool
from anima.clock import Clock, SystemClock
from anima.sandbox.net import Reach
from anima.testing import Script, ScriptedModel
from anima.tools.catalog import load
from anima.vocabulary import Approver


@dataclass
class Ledger:
    """Every use of a tool, as the world outside saw it."""

    lines: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def tools(self) -> list[Tool]:
        @tool(effect="read", result="trusted")
        async def look(n: int) -> str:
            """Look."""
            self.lines.append(f"look {n}")
            return f"saw {n}"

        @tool(effect="idempotent", result="trusted")
        async def put(n: int, call: Call) -> str:
            """Put."""
            self.lines.append(f"put {n}")
            self.keys.append(call.effect_key)
            return f"put {n}"

        @tool(result="trusted")
        async def pay(n: int) -> str:
            """Pay."""
            self.lines.append(f"pay {n}")
            if n < 0:
                raise ToolError("n must not be negative")
            return f"paid {n}"

        return [look, put, pay]


@dataclass
class Home:
    """A home with one agent, arya, who has the ledger's tools; `live` again and again to leave and come back."""

    folder: Path | None
    ledger: Ledger = field(default_factory=Ledger)

    def live(
        self,
        model: Model | Script | Sequence[Any],
        *more: Tool,
        approve: Approver | None = None,
        mode: Mode | None = None,
        clock: Clock | None = None,
        **agent: object,
    ) -> Runtime:
        thinks = model if hasattr(model, "stream") else ScriptedModel(model)
        arya = Agent("arya", model=thinks, tools=[*self.ledger.tools, *more], **agent)  # type: ignore[arg-type]
        return Runtime(self.folder, [arya], approve=approve, mode=mode, clock=clock)


def built_in(*names: str) -> list[Tool]:
    """Tools of the house by name."""
    loaded = load(names, None, Reach(), SystemClock())
    assert not loaded.problems
    return list(loaded.tools)


async def the_turn(news: AsyncIterator[Progress]) -> Turn:
    """The turn as it ended; raises what it ended with."""
    async for progress in news:
        if isinstance(progress, Closed):
            if progress.error is not None:
                raise progress.error
            return progress.result
    raise AssertionError("the stream ended without Closed")
