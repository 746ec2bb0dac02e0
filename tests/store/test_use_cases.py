"""What the store promises, whatever engine is behind it."""

import asyncio
from dataclasses import replace

import pytest

from anima.errors import DuplicateEvent, NotFound
from anima.store import Abandonment, Closing, Store
from anima.testing import FakeClock
from anima.vocabulary import (
    OWNER,
    Attachment,
    Effect,
    EffectState,
    Event,
    EventState,
    NewEvent,
    Reasoning,
    Step,
    Turn,
    TurnState,
    Usage,
)


def told(text: str, conversation: str = "cli:main", **more: object) -> NewEvent:
    return NewEvent("arya", conversation, text, OWNER, **more)  # type: ignore[arg-type]


def step(n: int, *effects: Effect, text: str = "") -> Step:
    return Step(n, "scripted/model", text, Usage(7, 3, 2, 0.5), "end", "digest", 5.0, 0.25, effects=effects)


def effect(id: str, **more: object) -> Effect:
    return Effect(id, f"key-{id}", "c1", "add", {"a": 1}, "once", "allow", EffectState.INTENDED, **more)  # type: ignore[arg-type]


async def opened(store: Store, text: str = "hi", conversation: str = "cli:main") -> Turn:
    posted = await store.post(told(text, conversation), claim=True)
    assert posted.claimed
    return await store.load("t" + posted.event.id[1:])


async def closed(store: Store, text: str, conversation: str = "cli:main") -> Turn:
    turn = await opened(store, text, conversation)
    last = step(1, text=f"answer to {text}")
    done = replace(turn, steps=(last,), state=TurnState.CLOSED, closed=9.0)
    await store.close_turn(Closing(done, EventState.ANSWERED, last))
    return done


async def test_a_posted_event_reads_back_as_it_was(store: Store) -> None:
    file = Attachment("a.png", "image/png", 3, "ab" * 32)
    posted = await store.post(told("héllo\x00 wörld", attachments=(file,), awaited=True))
    assert await store.event(posted.event.id) == posted.event
    assert posted.event.attachments == (file,)
    assert posted.event.state == EventState.QUEUED


async def test_events_are_numbered_within_their_conversation(store: Store) -> None:
    numbers = [
        (await store.post(told(text, place))).event.number
        for text, place in (("a", "1"), ("b", "1"), ("c", "2"), ("d", "1"))
    ]
    assert numbers == [1, 2, 1, 3]


async def test_the_same_source_id_twice_is_one_event(store: Store) -> None:
    first = await store.post(told("pay", source_id="m1"))
    again = await store.post(told("pay", source_id="m1"))
    assert again.duplicate
    assert again.event == first.event


async def test_a_source_id_used_for_another_text_is_an_error_and_names_the_first(store: Store) -> None:
    first = await store.post(told("pay", source_id="m1"))
    with pytest.raises(DuplicateEvent) as caught:
        await store.post(told("pay twice", source_id="m1"))
    assert caught.value.details["event"] == first.event.id


async def test_a_refused_event_does_not_spoil_its_neighbours_in_the_same_commit(store: Store) -> None:
    await store.post(told("pay", source_id="m1"))
    before = store.commits
    results = [store.post(told("one")), store.post(told("other", source_id="m1")), store.post(told("two"))]
    kept = await asyncio.gather(*results, return_exceptions=True)
    assert [type(each).__name__ for each in kept] == ["Posted", "DuplicateEvent", "Posted"]
    assert store.commits == before + 2, "the first leaves at once, the others share a commit"


async def test_only_an_idle_lane_lets_a_posted_event_begin(store: Store) -> None:
    assert (await store.post(told("one"), claim=True)).claimed
    assert not (await store.post(told("two"), claim=True)).claimed
    assert (await store.post(told("elsewhere", "cli:other"), claim=True)).claimed


async def test_a_lane_is_worked_off_in_order_and_one_at_a_time(store: Store) -> None:
    for text in ("one", "two"):
        await store.post(told(text))
    first = await store.claim("arya", "cli:main")
    assert isinstance(first, Event)
    assert (first.text, first.attempts) == ("one", 1)
    assert await store.claim("arya", "cli:main") is None
    turn = await store.load(first.turn or "")
    last = step(1)
    await store.close_turn(Closing(replace(turn, state=TurnState.CLOSED, closed=1.0), EventState.ANSWERED, last))
    second = await store.claim("arya", "cli:main")
    assert second is not None
    assert second.text == "two"


async def test_an_event_that_was_put_off_lets_later_ones_pass_and_comes_again_when_due(
    store: Store, clock: FakeClock
) -> None:
    turn = await opened(store, "fails")
    await store.post(told("later"))
    await store.put_off(turn, clock.now() + 10, "no luck")
    passing = await store.claim("arya", "cli:main")
    assert passing is not None
    assert passing.text == "later"
    await store.abandon(Abandonment(passing.turn or "", TurnState.STOPPED, EventState.DROPPED, "stopped", ""))
    assert await store.claim("arya", "cli:main") is None
    clock.set(clock.now() + 10)
    again = await store.claim("arya", "cli:main")
    assert again is not None
    assert (again.id, again.attempts) == (turn.events[0].id, 2)


async def test_a_put_off_turn_with_a_folded_event_does_not_block_its_lane(store: Store, clock: FakeClock) -> None:
    turn = await opened(store)
    more = (await store.post(told("and"))).event
    await store.write_step(turn, step(1, effect("t1.1.1")), ())
    await store.write_step(turn, step(2, effect("t1.2.1")), [more])
    await store.put_off(turn, clock.now(), "no luck")
    again = await store.claim("arya", "cli:main")
    assert again is not None
    assert [event.text for event in (await store.load(turn.id)).events] == ["hi", "and"]


async def test_a_whole_turn_reads_back_step_by_step(store: Store) -> None:
    turn = await opened(store)
    begun = effect("t1.1.1", begun=4.0, attempts=1)
    thought = replace(step(1, begun, text="let me see"), reasoning=(Reasoning("hmm", "proof"),))
    await store.write_step(turn, thought, ())
    ended = replace(begun, state=EffectState.DONE, finished=6.0, seconds=2.0, result="3", label=OWNER)
    await store.write_effects(turn, [ended])
    last = step(2, text="it is 3")
    whole = replace(turn, steps=(replace(thought, effects=(ended,)), last), state=TurnState.CLOSED, closed=8.0)
    await store.close_turn(Closing(whole, EventState.ANSWERED, last))
    kept = await store.turn(turn.id)
    assert kept is not None
    assert kept.steps == whole.steps
    assert kept.answer == "it is 3"
    assert kept.usage == Usage(14, 6, 4, 1.0)
    assert kept.events[0].state == EventState.ANSWERED


async def test_events_that_arrive_meanwhile_are_told_with_the_results_and_fold_in(store: Store) -> None:
    turn = await opened(store)
    begun = effect("t1.1.1", begun=4.0)
    await store.write_step(turn, step(1, begun), ())
    await store.post(told("also this"))
    await store.post(told("I wait for this one", awaited=True))
    arrived = (await store.write_effects(turn, [replace(begun, state=EffectState.DONE, result="x")])).arrived
    assert [event.text for event in arrived] == ["also this"]
    await store.write_step(turn, step(2, effect("t1.2.1")), arrived)
    folded = (await store.load(turn.id)).events[1]
    assert (folded.turn, folded.step, folded.state) == (turn.id, 2, EventState.RUNNING)
    done = replace(turn, state=TurnState.CLOSED, closed=1.0)
    await store.close_turn(Closing(done, EventState.ANSWERED))
    answered = await store.event(folded.id)
    assert answered is not None
    assert answered.state == EventState.ANSWERED


async def test_abandoning_a_turn_makes_its_begun_call_unknown_and_the_next_one_not_begun(store: Store) -> None:
    turn = await opened(store)
    await store.write_step(turn, step(1, effect("t1.1.1", begun=4.0), effect("t1.1.2")), ())
    end = Abandonment(turn.id, TurnState.STOPPED, EventState.DROPPED, "stopped", "nobody knows")
    stopped, _ = await store.abandon(end)
    assert stopped is not None
    assert [(each.state, each.result) for each in stopped.effects] == [
        (EffectState.UNKNOWN, "nobody knows"),
        (EffectState.DENIED, "Not begun: stopped."),
    ]
    assert stopped.events[0].state == EventState.DROPPED
    assert await store.unknowns("arya", "cli:main") == {("add", '{"a":1}')}
    assert await store.abandon(end) == (None, None)


async def test_a_turn_that_died_before_its_first_step_gets_its_row_when_it_is_abandoned(store: Store) -> None:
    turn = await opened(store)
    assert await store.turn(turn.id) is None
    await store.abandon(Abandonment(turn.id, TurnState.FAILED, EventState.DEAD, "bad key", ""))
    kept = await store.turn(turn.id)
    assert kept is not None
    assert (kept.state, kept.error) == (TurnState.FAILED, "bad key")


async def test_resuming_counts_an_attempt_before_anything_else_happens(store: Store) -> None:
    turn = await opened(store)
    again = await store.resume(turn.id)
    assert again.events[0].attempts == 2


async def test_unfinished_work_is_told_for_its_source_and_conversation_alone(store: Store) -> None:
    await store.post(told("mine", source="cli"))
    await store.post(told("a friend's", source="tell"))
    left = await store.unfinished("arya", "cli:main", "cli")
    assert left is not None
    assert left.text == "mine"
    assert await store.unfinished("arya", "cli:other", "cli") is None


async def test_an_answer_stays_unseen_until_it_was_handed_over_once(store: Store) -> None:
    done = await closed(store, "hi")
    unseen = await store.unprinted("arya", "cli:main", "cli")
    assert unseen is not None
    assert unseen.id == done.id
    await store.sent(done.id)
    assert await store.unprinted("arya", "cli:main", "cli") is None
    kept = await store.turn(done.id)
    assert kept is not None
    assert kept.printed is not None


async def test_history_is_the_last_closed_turns_of_one_conversation_oldest_first(store: Store) -> None:
    for text in ("1", "2", "3"):
        await closed(store, text)
    await closed(store, "elsewhere", "cli:other")
    stopped = await opened(store, "stopped")
    await store.abandon(Abandonment(stopped.id, TurnState.STOPPED, EventState.DROPPED, "stopped", ""))
    now = await opened(store, "now")
    turns, total = await store.history("arya", "cli:main", now.events[0].number, 2)
    assert ([turn.events[0].text for turn in turns], total) == (["2", "3"], 3)


async def test_turns_are_listed_newest_first_and_an_unknown_agent_is_an_error(store: Store) -> None:
    for text in ("1", "2"):
        await closed(store, text)
    assert [turn.id for turn in await store.turns()] == ["t2", "t1"]
    assert [turn.id for turn in await store.turns("arya", limit=1)] == ["t2"]
    with pytest.raises(NotFound):
        await store.turns("nobody")


@pytest.mark.parametrize("id", ["", "t", "t0", "t-1", "tx", "17", "t1; drop", "t9999999999999999999999"])
async def test_an_id_that_cannot_be_finds_nothing(store: Store, id: str) -> None:
    assert await store.turn(id) is None


async def test_a_sound_store_has_no_problems(store: Store) -> None:
    await closed(store, "hi")
    assert await store.check() == []
