"""Prefix continuation: a turn that was cut off goes on from exactly what it had been shown, as if nothing happened."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from anima.testing import Answer, FakeClock, ScriptedModel, ToolCall
from anima.vocabulary import Chunk, Context
from tests.fakes import Home, the_turn

SCRIPT = [
    Answer("first", calls=[ToolCall("look", {"n": 1}, "a"), ToolCall("look", {"n": 2}, "b")]),
    Answer("then", calls=[ToolCall("put", {"n": 1}, "c")]),
    Answer("last", calls=[ToolCall("pay", {"n": 1}, "d")]),
    Answer("done"),
]


class Cut(ScriptedModel):
    """Falls silent at its n-th call, for ever."""

    def __init__(self, n: int) -> None:
        super().__init__(SCRIPT)
        self.silent = asyncio.Event()
        self._n = n

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        if len(self.contexts) == self._n:
            self.silent.set()
            await asyncio.Event().wait()
        async for chunk in super().stream(context):
            yield chunk


@pytest.mark.parametrize("n", range(4))
async def test_the_next_step_is_shown_what_it_would_have_been_shown(home: Home, tmp_path_factory, n: int) -> None:  # type: ignore[no-untyped-def]
    whole = ScriptedModel(SCRIPT)
    async with Home(tmp_path_factory.mktemp("whole")).live(whole, clock=FakeClock()) as runtime:
        expected = await the_turn(runtime.stream("arya", "do it"))
    cut = Cut(n)
    async with home.live(cut, clock=FakeClock()) as runtime:
        await runtime.post("arya", "do it")
        await cut.silent.wait()
    rest = ScriptedModel(SCRIPT[n:])
    async with home.live(rest, clock=FakeClock()) as runtime:
        while (turn := await runtime.store.turn("t1")) is None or turn.state != "closed":
            await asyncio.sleep(0)
    shown = [context.digest for context in (*cut.contexts, *rest.contexts)]
    assert shown == [context.digest for context in whole.contexts]
    assert [step.context for step in turn.steps] == [step.context for step in expected.steps]
    assert home.ledger.lines == ["look 1", "look 2", "put 1", "pay 1"]
