"""A home of many: who wakes, who is let go, and what becomes of one that fails while the others work on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anima import Agent, Mode, Runtime
from anima.clock import Clock
from anima.runtime.household import Found
from anima.settings import RetrySettings
from anima.store import Lease, Standing, Store
from anima.testing import FakeClock, ScriptedModel
from anima.vocabulary import Chunk, Context, EventState, Finish, Text, Usage


@dataclass
class Listed:
    """A roster of agents made by the test."""

    agents: dict[str, Agent] = field(default_factory=dict)

    async def find(self, name: str, store: Store) -> Found | None:
        return Found(self.agents[name]) if name in self.agents else None

    async def names(self, store: Store) -> list[str]:
        return list(self.agents)

    async def faults(self, store: Store) -> dict[str, str]:
        return {}


@asynccontextmanager
async def living(
    home: Path, *agents: Agent, clock: Clock | None = None, hung_after: float = 900.0
) -> AsyncIterator[Runtime]:
    roster = Listed({agent.name: agent for agent in agents})
    async with Runtime(home, roster=roster, clock=clock, mode=Mode(hung_after=hung_after)) as runtime:
        await runtime.household.start()
        yield runtime


def says(text: str, name: str = "arya", **more: object) -> Agent:
    return Agent(name, model=ScriptedModel(lambda _: text), **more)  # type: ignore[arg-type]


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not look():
            await asyncio.sleep(0)


async def state_of(runtime: Runtime, event: str) -> str:
    found = await runtime.store.event(event)
    assert found is not None
    return found.state


async def test_an_agent_wakes_for_an_event_and_is_let_go_when_nothing_comes(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, says("Yes."), says("No.", "bran"), clock=clock) as runtime:
        assert not runtime.household.awake
        assert await runtime.ask("arya", "Are you there?") == "Yes."
        assert [*runtime.household.awake] == ["arya"]
        await clock.advance(100)
        assert not runtime.household.awake
        Lease(tmp_path / "agents" / "arya", "arya").release()
        assert await runtime.ask("arya", "And now?") == "Yes."


async def test_what_was_left_from_before_is_found_at_the_start(tmp_path: Path) -> None:
    async with living(tmp_path, says("Yes.")) as runtime:
        await runtime.household.settle("arya", Standing.PAUSED)
        event = await runtime.post("arya", "Later")
    async with living(tmp_path, says("Yes.")) as runtime:
        assert await state_of(runtime, event) == EventState.QUEUED
        await runtime.household.settle("arya", Standing.ACTIVE)
        watch = runtime.gallery.watch(lambda _: True)
        async for _ in watch:
            if await state_of(runtime, event) == EventState.ANSWERED:
                break
        watch.close()


async def test_an_agent_that_another_process_runs_keeps_its_events_until_it_is_free(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, says("Yes."), clock=clock) as runtime:
        other = Lease(tmp_path / "agents" / "arya", "arya")
        event = await runtime.post("arya", "Are you there?")
        await clock.advance(5)
        assert await state_of(runtime, event) == EventState.QUEUED
        other.release()
        await clock.advance(5)
        await until(lambda: runtime.metrics.turns["closed"])
        assert await state_of(runtime, event) == EventState.ANSWERED


async def test_one_that_fails_outside_a_turn_too_often_is_paused_with_a_notice_and_only_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = says("never", "bran", workspace=tmp_path / "file" / "workspace")
    async with living(tmp_path, says("Yes."), broken) as runtime:
        await runtime.store.adopt("bran")
        for _ in range(4):
            runtime.household.look("bran")
        await until(lambda: "bran" in runtime.household.resting)
        resident = await runtime.store.residents.find("bran")
        assert resident is not None
        assert resident.standing == Standing.PAUSED
        assert "4 times in 60 s" in str(resident.note)
        assert await runtime.ask("arya", "Are you there?") == "Yes."


@dataclass
class Hangs:
    """Says nothing at all the first time."""

    calls: int = 0

    async def stream(self, context: Context) -> AsyncIterator[Chunk]:
        self.calls += 1
        if self.calls == 1:
            await asyncio.Event().wait()
        yield Text("Awake.")
        yield Finish("end", Usage(1, 1), "scripted/model")


async def test_a_turn_without_a_sign_of_life_is_cut_off_counted_and_tried_again(tmp_path: Path) -> None:
    arya = Agent("arya", model=Hangs(), retry=RetrySettings(event_delays=(0.0,)))
    async with living(tmp_path, arya, hung_after=0.05) as runtime:
        event = await runtime.post("arya", "Are you there?")
        await until(lambda: runtime.metrics.turns["closed"])
        found = await runtime.store.event(event)
    assert found is not None
    assert (found.state, found.attempts) == (EventState.ANSWERED, 2)


async def test_a_hung_turn_of_one_agent_delays_nobody_else(tmp_path: Path) -> None:
    async with living(tmp_path, Agent("arya", model=Hangs()), says("Yes.", "bran")) as runtime:
        await runtime.post("arya", "Are you there?")
        assert await runtime.ask("bran", "Are you?") == "Yes."
