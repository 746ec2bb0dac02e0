"""Recovery determinism: recovering twice leaves the rows that recovering once leaves."""

import asyncio
import shutil
from pathlib import Path

from anima import tool
from anima.testing import Answer, FakeClock, ToolCall
from anima.vocabulary import Turn
from tests.fakes import Home


async def left_open(home: Home) -> None:
    """A turn left in the middle of a call that may happen only once, with another behind it."""
    begun = asyncio.Event()

    @tool(effect="once", name="hang", result="trusted")
    async def hang() -> str:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    calls = [ToolCall("hang", {}, "a"), ToolCall("pay", {"n": 1}, "b")]
    async with home.live([Answer("on it", calls=calls)], hang, clock=FakeClock()) as runtime:
        await runtime.post("arya", "go")
        await begun.wait()


async def recovered(home: Home, *, cut: bool) -> Turn:
    """The turn after recovery; `cut`: a first recovery was cut off when it had asked the model."""

    @tool(effect="once", name="hang", result="trusted")
    async def hang() -> str:
        """Hang."""
        raise AssertionError("a call of class once was repeated")

    if cut:
        asked = asyncio.Event()

        class Silent:
            async def stream(self, context: object):  # type: ignore[no-untyped-def]
                asked.set()
                await asyncio.Event().wait()
                yield

        async with home.live(Silent(), hang, clock=FakeClock()):
            await asked.wait()
    async with home.live(["done"], hang, clock=FakeClock()) as runtime:
        while (turn := await runtime.store.turn("t1")) is None or turn.state != "closed":
            await asyncio.sleep(0)
        return turn


async def test_recovering_twice_gives_the_same_rows(tmp_path: Path) -> None:
    first = Home(tmp_path / "a")
    await left_open(first)
    shutil.copytree(tmp_path / "a", tmp_path / "b", ignore=shutil.ignore_patterns(".door"))
    second = Home(tmp_path / "b")
    once, twice = await recovered(first, cut=False), await recovered(second, cut=True)
    assert [(step.n, step.text, step.context) for step in once.steps] == [
        (step.n, step.text, step.context) for step in twice.steps
    ]
    assert [(e.id, e.state, e.result, e.key) for e in once.effects] == [
        (e.id, e.state, e.result, e.key) for e in twice.effects
    ]
    assert first.ledger.lines == ["pay 1"]
    assert second.ledger.lines == ["pay 1"]
