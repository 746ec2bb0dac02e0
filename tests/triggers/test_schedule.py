"""Timers: every time is accounted for, none goes off twice, and none is made up for in a bunch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from anima import tool
from anima.runtime import Runtime
from anima.settings import LimitSettings
from anima.store import Standing, Store, command, timers
from anima.testing import Answer, FakeClock, ScriptedModel, ToolCall
from anima.triggers.schedule import CONVERSATION, Schedule, Timer, attending
from anima.triggers.timers import HomeTimers
from anima.vocabulary import Event
from tests.fakes import Home

EVERY = 1800.0
START = 1_750_000_000.0


async def heartbeats(store: Store) -> list[Event]:
    found = []
    n = 1
    while event := await store.event(f"e{n}"):
        found += [event] if event.source == "timer" else []
        n += 1
    return found


async def answered(store: Store, count: int) -> list[Event]:
    while True:
        found = await heartbeats(store)
        if len(found) == count and all(event.state == "answered" for event in found):
            return found
        await asyncio.sleep(0)


@asynccontextmanager
async def alive(home: Home, clock: FakeClock, model: Any = None, **agent: Any) -> AsyncIterator[Runtime]:
    """The home's agent with a timer, in a program of its own."""
    timer = Timer(EVERY, "Look around.")

    async def find() -> dict[str, Timer]:
        return {"arya": timer}

    async with home.live(model or (lambda context: "HEARTBEAT_OK"), clock=clock, **agent) as runtime:
        schedule = Schedule(runtime.store.timers, find, clock)
        async with attending(schedule.listen(runtime.household.post)):
            await settled(clock)
            yield runtime


async def settled(clock: FakeClock) -> None:
    """Let the schedule come to where only the clock moves it: it has looked, and sleeps."""
    await asyncio.to_thread(int)
    while all(sleeper.done() for _, _, sleeper in clock._sleepers):
        await asyncio.sleep(0)


async def pass_time(clock: FakeClock, seconds: float) -> None:
    """Time passes as it does: a minute at a time."""
    while seconds > 0:
        await clock.advance(min(seconds, 60.0))
        await settled(clock)
        seconds -= 60.0


def history(home: Home) -> list[tuple[float, str, str]]:
    assert home.folder is not None
    with command.reading(home.folder / "anima.db") as db:
        return [(each.due - START, each.outcome, each.note) for each in reversed(timers.occurrences(db, None, 100))]


async def test_a_timer_wakes_the_agent_again_and_again_in_a_conversation_of_its_own(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock) as runtime:
        await pass_time(clock, EVERY - 60)
        assert await heartbeats(runtime.store) == []
        await pass_time(clock, 60)
        (first,) = await answered(runtime.store, 1)
        assert (first.conversation, first.source, first.text) == (CONVERSATION, "timer", "Look around.")
        await pass_time(clock, EVERY)
        await answered(runtime.store, 2)
    assert history(home) == [(EVERY, "ran", ""), (2 * EVERY, "ran", "")]


async def test_a_restart_neither_doubles_a_time_nor_begins_the_interval_anew(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock):
        await pass_time(clock, EVERY / 2)
    async with alive(home, clock) as runtime:
        await pass_time(clock, EVERY / 2)
        await answered(runtime.store, 1)
    async with alive(home, clock) as runtime:
        await settled(clock)
        assert len(await heartbeats(runtime.store)) == 1
    assert history(home) == [(EVERY, "ran", "")]


async def test_times_that_passed_while_nobody_was_there_are_made_up_for_once(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock):
        pass
    await clock.advance(3.5 * EVERY)
    async with alive(home, clock) as runtime:
        await answered(runtime.store, 1)
        await pass_time(clock, EVERY / 2)
        await answered(runtime.store, 2)
    assert history(home) == [(EVERY, "late", "4500 s late, for 3 times at once"), (4 * EVERY, "ran", "")]


async def test_a_program_that_dies_between_posting_and_noting_posts_once(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock) as runtime:
        await pass_time(clock, EVERY)
        await answered(runtime.store, 1)
    assert home.folder is not None
    with command.changing(home.folder / "anima.db") as db:
        db.execute("DELETE FROM occurrences")
        db.execute("UPDATE schedules SET due = due - every")
    async with alive(home, clock) as runtime:
        await settled(clock)
        assert len(await heartbeats(runtime.store)) == 1
    assert history(home) == [(EVERY, "ran", "")]


async def test_while_the_agent_is_busy_a_time_is_skipped_and_noted(home: Home) -> None:
    go, begun, clock = asyncio.Event(), asyncio.Event(), FakeClock(START)

    @tool(effect="read")
    async def hold() -> str:
        """Hold."""
        begun.set()
        await go.wait()
        return "held"

    model = ScriptedModel([Answer(calls=[ToolCall("hold")]), "done", "HEARTBEAT_OK"])
    async with home.live(model, hold, clock=clock, limits=LimitSettings(seconds=86_400.0)) as runtime:

        async def find() -> dict[str, Timer]:
            return {"arya": Timer(EVERY, "Look around.")}

        schedule = Schedule(runtime.store.timers, find, clock)
        async with attending(schedule.listen(runtime.household.post)):
            await settled(clock)
            work = asyncio.create_task(runtime.ask("arya", "work"))
            await begun.wait()
            await pass_time(clock, EVERY)
            assert await heartbeats(runtime.store) == []
            go.set()
            await work
            await pass_time(clock, EVERY)
            await answered(runtime.store, 1)
    assert history(home) == [(EVERY, "skipped", "busy"), (2 * EVERY, "ran", "")]


async def test_an_agent_that_rests_is_left_alone(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock) as runtime:
        await runtime.household.settle("arya", Standing.PAUSED)
        await pass_time(clock, 2 * EVERY)
        assert await heartbeats(runtime.store) == []
    assert [outcome for _, outcome, _ in history(home)] == ["skipped", "skipped"]


@pytest.mark.parametrize("answer", ["HEARTBEAT_OK", "NO_REPLY\n", " [SILENT]"])
async def test_an_answer_of_silence_goes_to_nobody(home: Home, answer: str) -> None:
    clock = FakeClock(START)
    async with alive(home, clock, lambda context: answer) as runtime:
        await pass_time(clock, EVERY)
        await answered(runtime.store, 1)
        turn = await runtime.store.turn("t1")
        assert turn is not None
        assert (turn.answer, turn.state) == ("", "closed")
        assert await runtime.store.unprinted("arya", CONVERSATION, "timer") is None


async def test_other_answers_wait_to_be_delivered_and_whoever_asks_is_told_every_word(home: Home) -> None:
    clock = FakeClock(START)
    async with alive(home, clock, ScriptedModel(["The door is open!", "NO_REPLY"])) as runtime:
        await pass_time(clock, EVERY)
        await answered(runtime.store, 1)
        waiting = await runtime.store.unprinted("arya", CONVERSATION, "timer")
        assert waiting is not None
        assert waiting.answer == "The door is open!"
        assert await runtime.ask("arya", "Say NO_REPLY.") == "NO_REPLY"


async def test_timers_are_found_in_the_settings_and_followed_when_those_change(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "arya"
    folder.mkdir(parents=True)
    file = folder / "agent.toml"
    file.write_text('[agent]\nname = "arya"\n[timer]\nevery = "30m"\nmessage = "Water the plants?"\n')
    store = await Store.open(tmp_path / "anima.db", FakeClock())
    home = HomeTimers(tmp_path, store.residents)
    timer = Timer(1800.0, "Water the plants?")
    assert await home.find() == {"arya": timer}
    await store.residents.enroll(["twin"], "arya")
    assert await home.find() == {"arya": timer, "twin": timer}
    file.write_text('[agent]\nname = "arya"\n[timer]\nevery = 0\n')
    assert await home.find() == {"arya": timer, "twin": timer}, "a mistake changes nothing"
    file.write_text('[agent]\nname = "arya"\n[heartbeat]\nenabled = true\ninterval = "1h"\n')
    assert (await home.find())["arya"].every == 3600.0
    file.write_text('[agent]\nname = "arya"\n')
    assert await home.find() == {}
    await store.aclose()


async def test_a_timer_that_is_taken_away_goes_off_no_more(home: Home) -> None:
    clock, known = FakeClock(START), {"arya": Timer(EVERY, "Look around.")}

    async def find() -> dict[str, Timer]:
        return known

    async with (
        home.live(lambda context: "fine", clock=clock) as runtime,
        attending(Schedule(runtime.store.timers, find, clock).listen(runtime.household.post)),
    ):
        await settled(clock)
        known = {}
        await pass_time(clock, 2 * EVERY)
        assert await heartbeats(runtime.store) == []
