"""A disk without room: new work is refused in time, work under way waits or is resumed, the store stays valid."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from anima import Mode, Runtime
from anima.errors import StoreFull
from anima.store import Disk, Store
from anima.testing import Answer, FakeClock, ToolCall
from anima.vocabulary import OWNER, Event, EventState, NewEvent
from tests.disks.disk import CODES, FailingDisk, Operation
from tests.fakes import Home, the_turn

SIZE = 2_000_000


class Room:
    """How much room a disk has; what tells of it, and what fails for want of it."""

    def __init__(self, free: int, total: int = 100_000_000_000) -> None:
        self.free, self.total = free, total

    def measure(self, folder: Path) -> tuple[int, int]:
        return self.free, self.total

    def plan(self, operation: Operation) -> int:
        return CODES["FULL"] if self.free == 0 and operation[0] == "write" else 0


async def test_below_the_low_water_mark_new_work_is_refused_and_work_under_way_is_finished(home: Home) -> None:
    room = Room(300_000_000)

    def think(context: object) -> str:
        room.free = 199_000_000
        return "done"

    async with home.live(think, mode=Mode(disk=Disk(measure=room.measure))) as runtime:
        assert await runtime.ask("arya", "hi") == "done"
        with pytest.raises(StoreFull, match=r"199\.0 MB are free .* below 200\.0 MB") as refused:
            await runtime.ask("arya", "more")
        assert refused.value.details == {"free": 199_000_000, "low_water": 200_000_000}
        room.free = 200_000_000
        assert await runtime.ask("arya", "more") == "done"


@pytest.mark.parametrize(
    ("low_water", "total", "kept"),
    [(None, 10_000_000_000, 200_000_000), (None, 1_000_000_000, 50_000_000), (7_000_000, 10**12, 7_000_000), (0, 0, 0)],
)
async def test_the_mark_is_as_configured_or_a_share_of_a_small_disk(
    tmp_path: Path, low_water: int | None, total: int, kept: int
) -> None:
    room = Room(kept, total)
    store = await Store.open(tmp_path / "anima.db", FakeClock(), Disk(low_water, measure=room.measure))
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:main", "there is room", OWNER))
    room.free -= 1
    if kept:
        with pytest.raises(StoreFull):
            await store.post(NewEvent("arya", "cli:main", "there is none", OWNER))
    await store.aclose()


async def test_work_under_way_waits_for_room_and_loses_nothing(home: Home) -> None:
    room, clock = Room(10**9), FakeClock()
    disk = Disk(measure=room.measure, connect=FailingDisk(room.plan).connect)

    def think(context: object) -> Answer | str:
        if home.ledger.lines:
            return "all done"
        room.free = 0
        return Answer(calls=[ToolCall("pay", {"n": 1})])

    async with home.live(think, mode=Mode(disk=disk), clock=clock) as runtime:
        event = await runtime.post("arya", "go")
        while room.free:
            await asyncio.sleep(0)
        for _ in range(3):
            await clock.advance(60.0)
        assert home.ledger.lines == []
        with pytest.raises(StoreFull):
            await runtime.post("arya", "more", conversation="python:other")
        room.free = 10**9
        answered = await answered_after(runtime, event, clock)
        assert await runtime.store.check() == []
    assert (answered.attempts, home.ledger.lines) == (1, ["pay 1"])


async def answered_after(runtime: Runtime, event: str, clock: FakeClock) -> Event:
    while True:
        await clock.advance(1.0)
        kept = await runtime.store.event(event)
        assert kept is not None
        if kept.state == EventState.ANSWERED:
            return kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes of its own."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_a_disk_that_is_really_full_stops_work_and_lets_it_go_on(small_disk: Path) -> None:
    home, mode = Home(small_disk / "home"), Mode("asked", disk=Disk(low_water=0))
    ballast, filled = small_disk / "ballast", list[Path]()

    def think(context: object) -> Answer | str:
        if home.ledger.lines:
            return "all done " + "x" * 50_000
        if not filled:
            fill(ballast)
            filled.append(ballast)
        return Answer("y" * 50_000, calls=[ToolCall("pay", {"n": 1})])

    async with home.live(think, mode=mode) as runtime:
        with pytest.raises(StoreFull, match="no room left"):
            await the_turn(runtime.stream("arya", "go", source="cli"))
    ballast.unlink()
    async with home.live(think, mode=mode) as runtime:
        turn = await the_turn(runtime.resume("arya", "python:main"))
        assert await runtime.store.check() == []
    assert turn.answer.startswith("all done")
    assert home.ledger.lines == ["pay 1"]


async def test_a_store_that_cannot_even_be_opened_for_want_of_room_says_so(small_disk: Path) -> None:
    home, mode = Home(small_disk / "home"), Mode("asked", disk=Disk(low_water=0))
    async with home.live(["one"], mode=mode) as runtime:
        await the_turn(runtime.stream("arya", "go"))
    fill(small_disk / "ballast")
    with pytest.raises(StoreFull):
        async with home.live(["two"], mode=mode) as runtime:
            await the_turn(runtime.stream("arya", "go on"))
    (small_disk / "ballast").unlink()
    async with home.live(["two"], mode=mode) as runtime:
        assert (await the_turn(runtime.stream("arya", "go on", conversation="python:new"))).answer == "two"
        assert await runtime.store.check() == []


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
