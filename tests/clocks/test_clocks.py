"""A wall clock that jumps: durations, ids, order and waits do not care."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from anima import Runtime, Tool, tool
from anima.clock import iso
from anima.errors import MalformedAnswer
from anima.settings import RetrySettings
from anima.testing import Answer, FakeClock, ScriptedModel, ToolCall
from anima.vocabulary import Event, EventState
from tests.fakes import Home

HOUR, DAY, YEAR = 3600.0, 86_400.0, 31_536_000.0
JUMPS = {
    "a year back": -YEAR,
    "ten years on": 10 * YEAR,
    "the hour that comes twice": -HOUR,
    "the hour that never comes": HOUR,
    "a day of sleep": DAY,
}
jumps = pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def set_by(clock: FakeClock, jump: float) -> Tool:
    """A tool that takes two seconds, while somebody sets the wall clock."""

    @tool(effect="read", result="trusted")
    async def wait() -> str:
        """Wait."""
        clock.set(clock.now() + jump)
        await clock.advance(2.0)
        return "waited"

    return wait


@jumps
async def test_durations_are_what_passed_whatever_the_wall_clock_did(home: Home, clock: FakeClock, jump: float) -> None:
    script = [Answer(calls=[ToolCall("wait")]), "done"]
    async with home.live(script, set_by(clock, jump), clock=clock) as runtime:
        assert await runtime.ask("arya", "go") == "done"
        turn = await runtime.store.turn("t1")
    assert turn is not None
    assert [effect.seconds for effect in turn.effects] == [2.0]
    assert [step.seconds for step in turn.steps] == [0.0, 0.0]
    assert turn.limit is None


@jumps
async def test_events_keep_their_ids_and_their_order(home: Home, clock: FakeClock, jump: float) -> None:
    model = ScriptedModel(lambda context: f"answer to {context.messages[-1].text}")
    async with home.live(model, clock=clock) as runtime:
        for n in range(5):
            clock.set(clock.now() + (jump if n % 2 else -jump))
            await runtime.ask("arya", f"task {n}")
        turns = await runtime.store.turns()
    assert [turn.id for turn in turns] == ["t5", "t4", "t3", "t2", "t1"]
    shown = [message.text for message in model.contexts[-1].messages if message.role == "user"]
    assert shown == [f"task {n}" for n in range(5)]


@jumps
async def test_an_event_that_was_put_off_comes_again_after_its_delay_and_once(
    home: Home, clock: FakeClock, jump: float
) -> None:
    model = ScriptedModel([Answer(error=MalformedAnswer("half a JSON")), "done"])
    async with home.live(model, clock=clock, retry=RetrySettings(event_delays=(10.0,))) as runtime:
        event = await runtime.post("arya", "hi")
        await put_off(runtime, event, clock)
        clock.set(clock.now() + jump)
        await clock.advance(9.0)
        assert len(model.contexts) == 1
        await clock.advance(1.0)
        answered = await state_of(runtime, event, EventState.ANSWERED)
    assert answered.attempts == 2
    assert len(model.contexts) == 2


@jumps
async def test_an_event_put_off_before_a_restart_comes_again_after_it(
    home: Home, clock: FakeClock, jump: float
) -> None:
    delays = RetrySettings(event_delays=(10.0,))
    async with home.live([Answer(error=MalformedAnswer("half"))], clock=clock, retry=delays) as runtime:
        event = await runtime.post("arya", "hi")
        await put_off(runtime, event, clock)
    clock.set(clock.now() + jump)
    async with home.live(["done"], clock=clock, retry=delays) as runtime:
        await clock.advance(10.0 + max(0.0, -jump) % YEAR)
        assert (await state_of(runtime, event, EventState.ANSWERED)).attempts == 2


async def test_two_events_put_off_in_one_conversation_both_come_again_after_a_restart(
    home: Home, clock: FakeClock
) -> None:
    delays = RetrySettings(event_delays=(10.0,))
    failing = ScriptedModel(lambda context: Answer(error=MalformedAnswer("half")))
    async with home.live(failing, clock=clock, retry=delays) as runtime:
        events = []
        for _ in range(2):
            events.append(await runtime.post("arya", "hi"))
            await put_off(runtime, events[-1], clock)
            await clock.advance(3.0)
    async with home.live(["one", "two"], clock=clock, retry=delays) as runtime:
        await clock.advance(4.0)
        await state_of(runtime, events[0], EventState.ANSWERED)
        await clock.advance(3.0)
        await state_of(runtime, events[1], EventState.ANSWERED)


async def put_off(runtime: Runtime, event: str, clock: FakeClock) -> None:
    """Until the event waits for its next attempt, and the actor knows that it does."""
    await state_of(runtime, event, EventState.QUEUED)
    await runtime.store.sent("t0")  # comes back after whatever was written before
    await clock.advance(0.0)


async def state_of(runtime: Runtime, event: str, state: EventState) -> Event:
    """The event, once it has come to this state."""
    while True:
        kept = await runtime.store.event(event)
        if kept is not None and kept.state == state:
            return kept
        await asyncio.sleep(0)


@pytest.fixture
def lisbon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("lisbon")
def test_times_are_shown_with_their_zone_also_in_the_hour_that_comes_twice() -> None:
    first = 1_761_438_600.0  # 2025-10-26, half past one, still summer time
    assert iso(first) == "2025-10-26T01:30:00.000+01:00"
    assert iso(first + HOUR) == "2025-10-26T01:30:00.000+00:00"
