"""What a store holds is told; old results of tools go on request, and really go."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from anima.errors import AgentBusy, NotFound, StoreDamaged
from anima.store import Closing, Lease, Store
from anima.store.backup import back_up
from anima.store.retention import TOMBSTONE, prune, stats
from anima.testing import FakeClock
from anima.vocabulary import OWNER, Effect, EffectState, EventState, NewEvent, Step, Turn, TurnState
from tests.store.homes import MEMBER, a_call, a_step, fill, open_turn

SECRET = "the code is 4711 " * 3000


async def closed_turn(store: Store, agent: str, day: float) -> Turn:
    """A turn with one long result, closed on a day."""
    turn = await open_turn(store, NewEvent(agent, "cli:main", "look it up", OWNER))
    call = a_call(f"{turn.id}.1.1", "read")
    step: Step = a_step(1, "", call)
    await store.write_step(turn, step, ())
    done: Effect = replace(
        call, state=EffectState.DONE, begun=day, finished=day, result=f"{SECRET}{turn.id}", label=MEMBER
    )
    await store.write_effects(turn, [done])
    closed = replace(turn, state=TurnState.CLOSED, closed=day)
    await store.close_turn(Closing(closed, EventState.ANSWERED, a_step(2, "found")))
    return closed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    async def live() -> None:
        store = await Store.open(tmp_path / "anima.db", FakeClock())
        await store.adopt("arya")
        for day in (1.0, 2.0, 8.0):
            await closed_turn(store, "arya", day)
        await store.aclose()

    asyncio.run(live())
    (tmp_path / "agents" / "arya").mkdir(parents=True)
    return tmp_path


async def results(home: Path) -> list[str | None]:
    store = await Store.open(home / "anima.db", FakeClock())
    found = [(await store.turn(f"t{n}")) for n in (1, 2, 3)]
    await store.aclose()
    return [turn.effects[0].result for turn in found if turn]


def test_old_results_are_replaced_and_everything_else_stays(home: Path) -> None:
    done = prune(home, 5.0)
    assert (done.results, done.text_bytes) == (2, 2 * (len(SECRET) + 2))
    assert done.freed_bytes > len(SECRET)
    assert asyncio.run(results(home)) == [TOMBSTONE, TOMBSTONE, f"{SECRET}t3"]
    assert prune(home, 5.0).results == 0


def test_what_was_removed_is_nowhere_on_disk(home: Path) -> None:
    prune(home, 100.0)
    assert not [path for path in home.glob("anima.db*") if b"4711" in path.read_bytes()]


def test_a_call_of_a_turn_under_way_keeps_its_result(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path))
    with closing(sqlite3.connect(tmp_path / "anima.db")) as db:
        open_ones = db.execute("SELECT count(*) FROM turns WHERE closed IS NULL").fetchone()
    prune(tmp_path, 1e12)
    with closing(sqlite3.connect(tmp_path / "anima.db")) as db:
        assert db.execute("SELECT count(*) FROM turns WHERE closed IS NULL").fetchone() == open_ones


def test_nothing_is_pruned_while_an_agent_is_at_work(home: Path) -> None:
    lease = Lease(home / "agents" / "arya", "arya")
    with pytest.raises(AgentBusy):
        prune(home, 100.0)
    lease.release()
    assert SECRET in str(asyncio.run(results(home))[0])


def test_stats_count_every_table(home: Path) -> None:
    made = back_up(home, 1_767_323_045.0)
    found = stats(home)
    with closing(sqlite3.connect(home / "anima.db")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(found.rows) == tables
    assert found.rows["effects"] == 3
    assert found.bytes == (home / "anima.db").stat().st_size
    assert found.agents == ("arya",)
    assert (found.oldest_event, found.newest_event) == (FakeClock().now(), FakeClock().now())
    assert found.backups == (made.path,)


def test_there_are_no_stats_of_nothing_or_of_a_damaged_store(home: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        stats(tmp_path / "nowhere")
    with closing(sqlite3.connect(home / "anima.db")) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM steps WHERE turn = 1 AND n = 1")
        db.commit()
    with pytest.raises(StoreDamaged):
        stats(home)
