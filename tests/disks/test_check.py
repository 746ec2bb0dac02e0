"""The check at every start: what it refuses, what it says, and how a large store is checked beside its readers."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from anima.errors import StoreDamaged, StoreError
from anima.store import Disk, Store
from anima.store.backup import back_up
from anima.store.sqlite import Engine
from anima.testing import FakeClock
from anima.vocabulary import OWNER, NewEvent
from tests.disks.disk import CODES, FailingDisk, Operation

LARGE = Disk(large=0)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A closed store with one event in it."""
    store = await Store.open(tmp_path / "anima.db", FakeClock())
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:main", "valar morghulis", OWNER))
    await store.aclose()
    return tmp_path / "anima.db"


def break_a_page(path: Path) -> bytes:
    """Overwrite a page in the middle; returns the bytes of the file as they are now."""
    data = bytearray(path.read_bytes())
    data[2 * 4096 : 2 * 4096 + 100] = b"\xff" * 100
    path.write_bytes(data)
    return bytes(data)


async def test_the_message_names_the_newest_good_backup_and_the_command(path: Path) -> None:
    good, spoilt = (back_up(path.parent, at, keep=7).path for at in (1000.0, 2000.0))
    spoilt.write_bytes(spoilt.read_bytes()[:2000])
    os.utime(good, (1, 1))
    break_a_page(path)
    with pytest.raises(StoreDamaged) as refused:
        await Store.open(path, FakeClock())
    assert f"`anima restore {good} --force`" in refused.value.hint


@pytest.mark.parametrize("disk", [Disk(), LARGE], ids=["small", "large"])
async def test_a_damaged_store_is_not_written(path: Path, disk: Disk) -> None:
    data = break_a_page(path)
    with pytest.raises(StoreDamaged):
        await open_and_close(path, disk)
    assert path.read_bytes() == data


async def open_and_close(path: Path, disk: Disk) -> None:
    store = await Store.open(path, FakeClock(), disk)
    try:
        await store.verified()
    finally:
        await store.aclose()


async def test_a_large_store_is_read_and_not_written_until_it_has_been_checked(path: Path) -> None:
    store = await Store.open(path, FakeClock(), LARGE)
    with pytest.raises(StoreError, match="is being checked"):
        await store.adopt("arya")
    event = await store.event("e1")
    assert event is not None
    assert event.text == "valar morghulis"
    await store.verified()
    await store.adopt("arya")
    await store.aclose()


async def test_a_large_store_found_damaged_serves_nothing_more(path: Path) -> None:
    break_a_page(path)
    store = await Store.open(path, FakeClock(), LARGE)
    with pytest.raises(StoreDamaged):
        await store.verified()
    for act in (store.adopt("arya"), store.event("e1")):
        with pytest.raises(StoreDamaged):
            await act
    await store.aclose()


async def test_a_check_that_is_under_way_does_not_hold_up_the_end(path: Path) -> None:
    await (await Store.open(path, FakeClock(), LARGE)).aclose()


async def test_a_text_changed_on_disk_is_not_served_and_its_neighbours_are(path: Path) -> None:
    store = await Store.open(path, FakeClock())
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:other", "valar dohaeris", OWNER))
    await store.aclose()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE events SET text = 'all men must live' WHERE id = 1")
    store = await Store.open(path, FakeClock())
    with pytest.raises(StoreDamaged, match="event e1") as refused:
        await store.event("e1")
    assert "backup" in refused.value.hint
    other = await store.event("e2")
    assert other is not None
    assert other.text == "valar dohaeris"
    await store.aclose()


async def test_after_a_failed_sync_nothing_is_read_or_written_and_a_start_finds_what_is_there(path: Path) -> None:
    broken = False

    def plan(operation: Operation) -> int:
        return CODES["IOERR"] if broken and operation == ("sync", "wal") else 0

    engine = Engine(path, Disk(connect=FailingDisk(plan).connect))
    broken = True
    with pytest.raises(StoreDamaged, match="the disk under"):
        await engine.write(lambda db: db.execute("UPDATE events SET error = 'x'"))
    broken = False
    for again in (engine.write, engine.read):
        with pytest.raises(StoreDamaged):
            await again(lambda db: db.execute("SELECT 1"))
    await engine.aclose()
    store = await Store.open(path, FakeClock())
    assert await store.check() == []
    await store.aclose()
