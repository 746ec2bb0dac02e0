"""Checkpoint validity: what is on disk between any two commits is a whole turn that can be taken to its end."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from anima import tool
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context
from tests.fakes import Home, the_turn

STEPS = [
    Answer(calls=[ToolCall("mark", {"n": 1}, "a")]),
    Answer(calls=[ToolCall("mark", {"n": 2}, "b")]),
    Answer("end"),
]


def thinks(context: Context) -> Answer:
    return STEPS[sum(message.role == "assistant" for message in context.messages)]


async def test_every_state_between_two_commits_can_be_taken_to_the_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    copies: list[Path] = []

    def copy() -> None:
        copies.append(tmp_path / f"copy{len(copies)}")
        copies[-1].mkdir()
        for name in ("anima.db", "anima.db-wal"):
            shutil.copy(home / name, copies[-1] / name)

    def marking(then: Callable[[], None]):  # type: ignore[no-untyped-def]
        @tool(effect="idempotent", name="mark", result="trusted")
        async def mark(n: int) -> str:
            """Mark."""
            then()
            return f"marked {n}"

        return mark

    def copying(context: Context) -> Answer:
        copy()
        return thinks(context)

    async with Home(home).live(copying, marking(copy)) as runtime:
        await the_turn(runtime.stream("arya", "go"))
        copy()
    assert len(copies) == 3 + 2 + 1
    for folder in copies:
        async with Home(folder).live(ScriptedModel(thinks), marking(lambda: None)) as runtime:
            assert await runtime.store.check() == []
            while (turn := await runtime.store.turn("t1")) is None or turn.state != "closed":
                await asyncio.sleep(0)
        assert turn.answer == "end"
        assert [effect.result for effect in turn.effects] == ["marked 1", "marked 2"]
