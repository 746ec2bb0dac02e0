"""The embedded engine: one SQLite file, one writer thread with group commit, one reader thread.

WAL with synchronous=FULL; a unit is acknowledged after the commit that holds it has been synced. Units submitted
while a commit is under way, or in the same round of the event loop, share the next commit; each has a savepoint, so
that a refused one does not spoil its neighbours. Every unit passes the points `<its name>.committing` and
`<its name>.committed`. This module does not know what the units do.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from anima import faults
from anima.errors import AnimaError, StoreClosed, StoreDamaged, StoreError, StoreForeign, StoreFull, StoreTooNew
from anima.store.schema import APPLICATION_ID, MIGRATIONS

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], Any]
Result = tuple[Any, BaseException | None]

# A lone unit leaves with the next round of the loop; a growing crowd waits for more at most this many rounds.
ROUNDS = 8


def connect(path: Path | None) -> sqlite3.Connection:
    """Open the file, refusing whatever is not a store this program can write; creates and migrates it.

    Raises StoreForeign, StoreTooNew, StoreDamaged or StoreFull; a refused file is not written.
    """
    fresh = path is None or not path.exists() or path.stat().st_size == 0
    if path is not None and fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(str(path or ":memory:"), isolation_level=None, check_same_thread=False, timeout=10.0)
    try:
        if not fresh:
            _recognise(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _migrate(db, path)
    except sqlite3.Error as error:
        db.close()
        raise _translate(error, path) from error
    except StoreError:
        db.close()
        raise
    return db


def _recognise(db: sqlite3.Connection, path: Path | None) -> None:
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark != APPLICATION_ID and tables:
        raise StoreForeign(f"{path} is a database of another program", "name another file in [memory] path")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"{path} has version {version}; this program knows versions up to {len(MIGRATIONS)}",
            "run the newer anima that wrote it",
        )


def _migrate(db: sqlite3.Connection, path: Path | None) -> None:
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == len(MIGRATIONS):
        db.execute("ROLLBACK")
        return
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        migration(db)
        db.execute(f"PRAGMA user_version = {number:d}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
    faults.reach("store.migrating")
    db.execute("COMMIT")
    faults.reach("store.migrated")
    if path is not None:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)


def _translate(error: sqlite3.Error, path: Path | None) -> StoreError:
    """What SQLite said, in our words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = path or "the store in memory"
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"no room left on the disk for {name}", "free some space; nothing was lost")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreForeign(f"{name} is not a database", "name another file in [memory] path")
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(f"{name} is damaged: {error}", "restore a backup; the file was not written")
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(f"{name} is locked by another program", "wait for it, or end it")
    return StoreError(f"{name} cannot be used: {error}", "`anima doctor` says more")


class Engine:
    """One open store. Belongs to the event loop that made it."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.commits = 0
        self._loop = asyncio.get_running_loop()
        self._pending: list[tuple[str, Unit, asyncio.Future[Any]]] = []
        self._busy = self._scheduled = self._closed = False
        self._broken: StoreError | None = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._db = connect(path)
        self._threads = [threading.Thread(target=_work_off, args=(self._work,), name="anima-writer", daemon=True)]
        if path is None:
            self._reads, self._reader = self._work, self._db
        else:
            self._reader = connect(path)
            self._reader.execute("PRAGMA query_only = ON")
            self._threads.append(
                threading.Thread(target=_work_off, args=(self._reads,), name="anima-reader", daemon=True)
            )
        for thread in self._threads:
            thread.start()

    def write(
        self, unit: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Run `unit(db, ...)` in the next commit; the future is done once that commit is on disk."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed or self._broken:
            future.set_exception(self._broken or StoreClosed("the store is closed"))
            return future
        self._pending.append((unit.__name__, lambda db: unit(db, *args, **kwargs), future))
        if not (self._busy or self._scheduled):
            self._scheduled = True
            self._loop.call_soon(self._gather, len(self._pending), ROUNDS)
        return future

    def read(
        self, unit: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Run `unit(db, ...)` on the reader, over one consistent state that holds every acknowledged write."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreClosed("the store is closed"))
            return future
        self._reads.put(lambda: self._post(self._deliver, [future], [self._look(lambda db: unit(db, *args, **kwargs))]))
        return future

    async def aclose(self) -> None:
        """Finish what was submitted, fold the WAL into the file and let it go."""
        while self._pending or self._busy:
            await asyncio.sleep(0)
        if self._closed:
            return
        self._closed = True
        self._reads.put(None)
        self._work.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._reader.close()
        self._db.close()

    def _gather(self, seen: int, rounds: int) -> None:
        """Hand the crowd to the writer once it has stopped growing."""
        if len(self._pending) > seen and rounds:
            self._loop.call_soon(self._gather, len(self._pending), rounds - 1)
            return
        self._scheduled, self._busy = False, True
        batch, self._pending = self._pending, []
        names, units, futures = map(list, zip(*batch, strict=True))
        self._work.put(lambda: self._post(self._settle, futures, self._commit(names, units)))

    def _post(self, deliver: Callable[..., None], futures: list[asyncio.Future[Any]], results: list[Result]) -> None:
        self._loop.call_soon_threadsafe(deliver, futures, results)

    def _settle(self, futures: list[asyncio.Future[Any]], results: list[Result]) -> None:
        self._busy = False
        self._deliver(futures, results)
        if self._pending:
            self._scheduled = True
            self._loop.call_soon(self._gather, len(self._pending), ROUNDS)

    def _deliver(self, futures: list[asyncio.Future[Any]], results: list[Result]) -> None:
        for future, (value, error) in zip(futures, results, strict=True):
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)

    def _look(self, unit: Unit) -> Result:
        try:
            self._reader.execute("BEGIN")
            try:
                return unit(self._reader), None
            finally:
                self._reader.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - handed to whoever asked; the thread must live
            return None, _translate(error, self.path) if isinstance(error, sqlite3.Error) else error

    def _commit(self, names: list[str], units: list[Unit]) -> list[Result]:
        """One commit for all units. A refused unit fails alone; a failing disk fails them all."""
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            results: list[Result] = [self._apply(unit) for unit in units] if len(units) > 1 else [(units[0](db), None)]
            for name in names:
                faults.reach(name, "committing")
            db.execute("COMMIT")
            for name in names:
                faults.reach(name, "committed")
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - handed to whoever submitted; the thread must live
            results = [(None, self._undo(error))] * len(units)
        return results

    def _apply(self, unit: Unit) -> Result:
        self._db.execute("SAVEPOINT unit")
        try:
            result: Result = unit(self._db), None
        except AnimaError as error:
            self._db.execute("ROLLBACK TO unit")
            result = None, error
        self._db.execute("RELEASE unit")
        return result

    def _undo(self, error: Exception) -> Exception:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if not isinstance(error, sqlite3.Error):
            return error
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT):
            # After a failed sync nobody knows what is on disk: stop here; the next start reopens and verifies.
            self._broken = StoreDamaged(f"writing {self.path} failed: {error}", "restart to reopen and verify it")
            return self._broken
        return _translate(error, self.path)


def _work_off(units: "queue.SimpleQueue[Callable[[], None] | None]") -> None:
    while (unit := units.get()) is not None:
        unit()
