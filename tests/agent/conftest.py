"""What most tests of a turn need: tools with a ledger, and a way to run one turn."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anima import Agent, Call, Closed, Progress, Runtime, Tool, ToolError, Turn, tool
from anima.testing import ScriptedModel


@dataclass
class Ledger:
    """Every use of a tool, as the world outside saw it."""

    lines: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def tools(ledger: Ledger) -> list[Tool]:
    @tool(effect="read", result="trusted")
    async def look(n: int) -> str:
        """Look."""
        ledger.lines.append(f"look {n}")
        return f"saw {n}"

    @tool(effect="idempotent", result="trusted")
    async def put(n: int, call: Call) -> str:
        """Put."""
        ledger.lines.append(f"put {n}")
        ledger.keys.append(call.effect_key)
        return f"put {n}"

    @tool(result="trusted")
    async def pay(n: int) -> str:
        """Pay."""
        ledger.lines.append(f"pay {n}")
        if n < 0:
            raise ToolError("n must not be negative")
        return f"paid {n}"

    return [look, put, pay]


Live = Callable[..., Runtime]


@pytest.fixture
def live(tools: list[Tool], tmp_path: Path) -> Live:
    """A runtime with one agent that has the ledger's tools; keywords go to Agent, `home` and `approve` to Runtime."""

    def make(model: ScriptedModel, **more: object) -> Runtime:
        home, approve = more.pop("home", tmp_path), more.pop("approve", None)
        agent = Agent("arya", model=model, tools=more.pop("tools", tools), **more)  # type: ignore[arg-type]
        return Runtime(home, [agent], approve=approve)  # type: ignore[arg-type]

    return make


async def the_turn(news: AsyncIterator[Progress]) -> Turn:
    """The turn as it ended; raises what it ended with."""
    async for progress in news:
        if isinstance(progress, Closed):
            if progress.error is not None:
                raise progress.error
            return progress.result
    raise AssertionError("the stream ended without Closed")
