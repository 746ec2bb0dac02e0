"""The embedded engine: which files it takes, how it shares commits, what it does when the disk fails."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from anima.errors import AgentBusy, StoreClosed, StoreError, StoreForeign, StoreFull, StoreTooNew, UsageError
from anima.store import Files, Lease, Store
from anima.store.schema import MIGRATIONS
from anima.store.sqlite import Engine
from anima.testing import FakeClock


async def test_a_fresh_file_is_private_and_durable(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "home" / "anima.db", FakeClock())
    assert (tmp_path / "home" / "anima.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    await store.aclose()


async def test_the_journal_mode_and_sync_are_the_durable_ones(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    modes = await engine.write(
        lambda db: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )
    assert modes == ["wal", 2]
    await engine.aclose()


async def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE photos (id)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreForeign):
        await Store.open(path, FakeClock())
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["theirs.db"]


async def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Arya, " * 500)
    with pytest.raises(StoreForeign):
        await Store.open(path, FakeClock())
    assert path.read_text() == "Dear Arya, " * 500


async def test_a_newer_programs_file_is_refused_with_both_versions_named(tmp_path: Path) -> None:
    path = tmp_path / "anima.db"
    await (await Store.open(path, FakeClock())).aclose()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreTooNew, match=rf"99.* {len(MIGRATIONS)}$"):
        await Store.open(path, FakeClock())


async def test_a_file_cut_off_before_its_first_migration_is_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    begun = sqlite3.connect(path)
    begun.execute("PRAGMA journal_mode = WAL")
    begun.close()
    assert path.stat().st_size > 0
    store = await Store.open(path, FakeClock())
    assert await store.check() == []
    await store.aclose()


def _insert(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO t VALUES (1)")


async def test_units_submitted_together_share_one_commit(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    await engine.write(lambda db: db.execute("CREATE TABLE t (n)"))
    before = engine.commits
    await asyncio.gather(*(engine.write(_insert) for _ in range(50)))
    assert engine.commits == before + 2, "the first leaves at once, the others share a commit"
    assert await engine.read(lambda db: db.execute("SELECT count(*) FROM t").fetchone()) == (50,)
    await engine.aclose()


async def test_a_bug_in_a_unit_fails_that_commit_and_the_engine_lives(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    with pytest.raises(ZeroDivisionError):
        await engine.write(lambda db: 1 / 0)
    assert await engine.write(lambda db: 7) == 7
    await engine.aclose()


async def test_a_bug_in_a_unit_does_not_spoil_its_neighbours(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    await engine.write(lambda db: db.execute("CREATE TABLE t (text TEXT UNIQUE)"))

    def insert(db: sqlite3.Connection, text: str) -> None:
        db.execute("INSERT INTO t VALUES (?)", (text,))

    units = [engine.write(insert, text) for text in ("one", "half an emoji \ud83d", "one", "two")]
    results = await asyncio.gather(*units, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), UnicodeEncodeError, StoreError, type(None)]
    assert await engine.read(lambda db: db.execute("SELECT text FROM t").fetchall()) == [("one",), ("two",)]
    await engine.aclose()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    with pytest.raises(Exception, match="readonly"):
        await engine.read(lambda db: db.execute("CREATE TABLE t (n)"))
    await engine.aclose()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    await engine.aclose()
    await engine.aclose()
    with pytest.raises(StoreClosed):
        await engine.write(lambda db: 1)
    with pytest.raises(StoreClosed):
        await engine.read(lambda db: 1)


async def test_a_full_disk_refuses_the_write_and_keeps_the_rest(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.db")
    await engine.write(lambda db: db.execute("CREATE TABLE t (n)"))
    (pages,) = await engine.write(lambda db: db.execute("PRAGMA page_count").fetchone())
    await engine.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 1}"))
    with pytest.raises(StoreFull):
        await engine.write(lambda db: db.execute("INSERT INTO t VALUES (zeroblob(100000))"))
    assert await engine.read(lambda db: db.execute("SELECT count(*) FROM t").fetchone()) == (0,)
    await engine.write(lambda db: db.execute("INSERT INTO t VALUES (1)"))
    await engine.aclose()


def test_a_second_owner_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    lease = Lease(tmp_path, "arya")
    with pytest.raises(AgentBusy, match=str(os.getpid())):
        Lease(tmp_path, "arya")
    lease.release()
    Lease(tmp_path, "arya").release()


def test_a_lease_ends_with_its_process_and_children_do_not_keep_it(tmp_path: Path) -> None:
    program = f"""
import pathlib, subprocess, sys
from anima.store import Lease
lease = Lease(pathlib.Path({str(tmp_path)!r}), "arya")
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(AgentBusy, match=str(owner.pid)):
            Lease(tmp_path, "arya")
        owner.kill()
        owner.wait()
        Lease(tmp_path, "arya").release()


def test_a_pipe_is_no_attachment_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a file"):
        Files(tmp_path / "files").keep(tmp_path / "pipe")
