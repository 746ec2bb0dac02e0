"""Fork determinism: a fork sees the same bytes, delivers nothing again and does nothing again."""

import pytest

from anima.errors import NotFound, UsageError
from anima.settings import ThinkSettings
from anima.testing import Answer, ScriptedModel, ToolCall
from tests.fakes import Home, built_in, the_turn

SCRIPT: list[Answer | str] = [
    Answer(calls=[ToolCall("pay", {"n": 1}, "a")]),
    Answer(calls=[ToolCall("pay", {"n": 2}, "b")]),
    "paid both",
]


async def forked(home: Home, at: int, turn: str = "t3", window: int = 2) -> tuple[ScriptedModel, ScriptedModel]:
    """A turn behind two others, forked at a step; the models of the original and of the fork."""
    original = ScriptedModel(["first", "second", *SCRIPT])
    async with home.live(original, think=ThinkSettings(history_turns=window)) as runtime:
        for text in ("one", "two", "pay both"):
            await the_turn(runtime.stream("arya", text, source="cli", conversation="cli:main"))
        await runtime.printed("t3")
        fork = await runtime.store.fork(turn, at)
    anew = ScriptedModel(["another end"])
    async with home.live(anew, think=ThinkSettings(history_turns=window)) as runtime:
        turn_anew = await the_turn(runtime.resume("arya", fork.conversation))
        assert turn_anew.conversation == "fork:t3"
        assert turn_anew.answer == "another end"
    return original, anew


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_fork_is_shown_the_same_bytes_as_the_step_it_forks_at(home: Home, at: int) -> None:
    original, anew = await forked(home, at)
    assert anew.contexts[0].digest == original.contexts[1 + at].digest
    assert anew.contexts[0] == original.contexts[1 + at]


@pytest.mark.parametrize("at", [2, 3, 4])
async def test_a_fork_behind_a_summary_is_shown_it_and_does_not_make_it_again(home: Home, at: int) -> None:
    original, anew = await forked(home, at, window=1)
    assert len(original.summarised) == 1
    assert anew.summarised == []
    assert anew.contexts[0] == original.contexts[at]


async def test_the_calls_of_the_prefix_are_copied_and_never_made_again(home: Home) -> None:
    await forked(home, 3)
    assert home.ledger.lines == ["pay 1", "pay 2"]
    async with home.live([]) as runtime:
        fork, original = await runtime.store.turn("t4"), await runtime.store.turn("t3")
    assert fork is not None
    assert original is not None
    assert [effect.result for effect in fork.effects] == ["paid 1", "paid 2"]
    assert original.answer == "paid both"


async def test_a_fork_is_held_until_it_is_asked_for(home: Home) -> None:
    async with home.live(SCRIPT) as runtime:
        await runtime.ask("arya", "pay both")
        fork = await runtime.store.fork("t1", 2)
        assert fork.events[0].state == "held"
    async with home.live([]) as runtime:
        held = await runtime.store.event("e2")
    assert held is not None
    assert held.state == "held"


async def test_later_calls_of_a_fork_go_through_the_policy(home: Home) -> None:
    async with home.live(SCRIPT) as runtime:
        await runtime.ask("arya", "pay both")
        await runtime.store.fork("t1", 1)
    again = [Answer(calls=[ToolCall("shell", {"command": "ls"}, "x")]), "denied"]
    async with home.live(again, *built_in("shell")) as runtime:
        turn = await the_turn(runtime.resume("arya", "fork:t1"))
    assert turn.effects[0].state == "denied"


async def test_a_second_fork_has_a_conversation_of_its_own(home: Home) -> None:
    async with home.live(SCRIPT) as runtime:
        await runtime.ask("arya", "pay both")
        names = [(await runtime.store.fork("t1", at)).conversation for at in (1, 2, 3)]
    assert names == ["fork:t1", "fork:t1.2", "fork:t1.3"]


async def test_a_turn_cannot_be_forked_where_it_never_was(home: Home) -> None:
    async with home.live(SCRIPT) as runtime:
        await runtime.ask("arya", "pay both")
        with pytest.raises(UsageError):
            await runtime.store.fork("t1", 5)
        with pytest.raises(NotFound):
            await runtime.store.fork("t9", 1)
