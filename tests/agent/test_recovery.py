"""A turn that was cut off goes on where its journal ends, and repeats nothing."""

import asyncio

import pytest

from anima import Call, Runtime, Tool, tool
from anima.errors import NotFound, TurnStopped
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context, EffectClass, EffectState, Turn, TurnState
from tests.fakes import Home, the_turn


def stuck(effect: EffectClass, begun: asyncio.Event, keys: list[str]) -> Tool:
    """A tool that hangs the first time and works the second."""

    @tool(effect=effect, name="stick", result="trusted")
    async def stick(call: Call) -> str:
        """Stick."""
        keys.append(call.effect_key)
        begun.set()
        if len(keys) == 1:
            await asyncio.Event().wait()
        return f"attempt {call.attempt}"

    return stick


async def cut_off(runtime: Runtime, begun: asyncio.Event) -> None:
    """Post, wait until the tool hangs, and leave."""
    async with runtime:
        await runtime.post("arya", "go", conversation="python:main")
        await begun.wait()


CALL = [Answer(calls=[ToolCall("stick", {}, "c1")])]


@pytest.mark.parametrize("effect", ["read", "idempotent"])
async def test_a_cut_off_read_or_idempotent_call_runs_again_with_the_same_key(home: Home, effect: EffectClass) -> None:
    begun, keys = asyncio.Event(), list[str]()
    await cut_off(home.live(CALL, stuck(effect, begun, keys)), begun)
    model = ScriptedModel(["done"])
    async with home.live(model, stuck(effect, begun, keys)) as runtime:
        turn = await until_closed(runtime, "t1")
    assert turn.answer == "done"
    assert keys[0] == keys[1] == turn.effects[0].key
    assert turn.effects[0].attempts == 2
    assert model.contexts[0].messages[-1].text == "attempt 2"


async def test_a_cut_off_once_call_is_never_run_again_and_is_told_as_unknown(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    await cut_off(home.live(CALL, stuck("once", begun, keys)), begun)
    model = ScriptedModel(["I do not know whether it worked"])
    async with home.live(model, stuck("once", begun, keys)) as runtime:
        turn = await until_closed(runtime, "t1")
    assert len(keys) == 1
    assert turn.effects[0].state == EffectState.UNKNOWN
    assert "unknown" in model.contexts[0].messages[-1].text


async def test_an_equal_call_after_an_unknown_one_asks_first(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    await cut_off(home.live(CALL, stuck("once", begun, keys)), begun)
    again = [Answer(calls=[ToolCall("stick", {}, "c2")]), "I asked", Answer(calls=[ToolCall("stick", {}, "c3")]), "ok"]
    async with home.live(again, stuck("once", begun, keys)) as runtime:
        turn = await until_closed(runtime, "t1")
        later = await the_turn(runtime.stream("arya", "once more"))
    assert [effect.state for effect in turn.effects] == [EffectState.UNKNOWN, EffectState.DENIED]
    assert [effect.state for effect in later.effects] == [EffectState.DENIED]
    assert len(keys) == 1


async def test_calls_behind_the_cut_off_one_had_not_begun_and_run_now(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    two = [Answer(calls=[ToolCall("stick", {}, "c1"), ToolCall("pay", {"n": 1}, "c2")])]
    await cut_off(home.live(two, stuck("once", begun, keys)), begun)
    async with home.live(["done"], stuck("once", begun, keys)) as runtime:
        turn = await until_closed(runtime, "t1")
    assert [effect.state for effect in turn.effects] == [EffectState.UNKNOWN, EffectState.DONE]
    assert home.ledger.lines == ["pay 1"]


async def test_a_model_call_whose_answer_is_on_disk_is_not_made_again(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    first, second = ScriptedModel(CALL), ScriptedModel(["done"])
    await cut_off(home.live(first, stuck("read", begun, keys)), begun)
    async with home.live(second, stuck("read", begun, keys)) as runtime:
        await until_closed(runtime, "t1")
    assert (len(first.contexts), len(second.contexts)) == (1, 1)
    assert second.contexts[0].messages[:2] == (
        *first.contexts[0].messages,
        second.contexts[0].messages[1],
    )


async def test_a_grant_that_was_taken_back_holds_for_a_call_that_had_not_begun(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    two = [Answer(calls=[ToolCall("stick", {}, "c1"), ToolCall("pay", {"n": 1}, "c2")])]
    await cut_off(home.live(two, stuck("read", begun, keys)), begun)
    home.ledger.lines.clear()
    without_pay = [each for each in home.ledger.tools if each.spec.name != "pay"]
    home.ledger.__class__ = type("Fewer", (home.ledger.__class__,), {"tools": without_pay})
    async with home.live(["done"], stuck("read", begun, keys)) as runtime:
        turn = await until_closed(runtime, "t1")
    assert turn.effects[1].state in (EffectState.DENIED, EffectState.FAILED)
    assert home.ledger.lines == []


async def test_stopping_a_turn_ends_its_call_and_tells_whoever_waits(home: Home) -> None:
    begun, keys = asyncio.Event(), list[str]()
    async with home.live([*CALL, "next"], stuck("once", begun, keys)) as runtime:
        asked = asyncio.create_task(runtime.ask("arya", "go"))
        await begun.wait()
        stopped = await runtime.stop_turn("t1")
        with pytest.raises(TurnStopped):
            await asked
        assert (stopped.state, stopped.effects[0].state) == (TurnState.STOPPED, EffectState.UNKNOWN)
        assert stopped.events[0].state == "dropped"
        assert await runtime.ask("arya", "and now?") == "next"
        with pytest.raises(NotFound):
            await runtime.stop_turn("t1")


async def test_leaving_at_once_and_coming_back_answers_every_event_once(home: Home) -> None:
    def thinks(context: Context) -> str:
        return f"re: {context.messages[-1].text}"

    async with home.live(thinks) as runtime:
        ids = [await runtime.post("arya", f"m{n}", conversation=f"c:{n % 3}") for n in range(9)]
    for _ in range(6):
        async with home.live(thinks):
            pass  # leaving in good order costs an event no attempt
    async with home.live(thinks) as runtime:
        turns = [await until_closed(runtime, "t" + id[1:]) for id in ids]
    assert [turn.answer for turn in turns] == [f"re: m{n}" for n in range(9)]


async def until_closed(runtime: Runtime, turn: str) -> Turn:
    """The turn, once the runtime has ended it by itself."""
    while True:
        kept = await runtime.store.turn(turn)
        if kept is not None and kept.state in (TurnState.CLOSED, TurnState.FAILED):
            return kept
        await asyncio.sleep(0)
