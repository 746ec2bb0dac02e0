"""The embedded engine: one SQLite file, one writer thread with group commit, one reader thread.

WAL with synchronous=FULL; a unit is acknowledged after the commit that holds it has been synced. A lone unit leaves at
once. Units submitted while a commit is under way share the next one, and after such a crowd the next waits until it
has stopped growing, too. Each has a savepoint, so that a refused one does not spoil its neighbours. Every unit passes
the points `<its name>.committing` and `<its name>.committed`. This module does not know what the units do.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from anima import faults
from anima.errors import StoreClosed, StoreDamaged, StoreError
from anima.store import upkeep
from anima.store.disk import Disk
from anima.store.opening import open_file, translate

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], Any]
Result = tuple[Any, BaseException | None]

# Rounds of the loop that a growing crowd waits for more, at most.
ROUNDS = 8


class Engine:
    """One open store. Belongs to the event loop that made it."""

    def __init__(self, path: Path | None, disk: Disk | None = None) -> None:
        self.path = path
        self.commits = 0
        self._disk = disk or Disk()
        self._loop = asyncio.get_running_loop()
        self._pending: list[tuple[str, Unit, asyncio.Future[Any]]] = []
        self._busy = self._crowded = self._scheduled = self._closed = False
        self._broken: StoreError | None = None
        self._examined: asyncio.Future[None] | None = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._db, self._reader = open_file(path, self._disk)
        self._threads = [threading.Thread(target=_work_off, args=(self._work,), name="anima-writer", daemon=True)]
        if path is None:
            self._reads = self._work
        else:
            self._threads.append(
                threading.Thread(target=_work_off, args=(self._reads,), name="anima-reader", daemon=True)
            )
        if path is not None and self._disk.is_large(path):
            self._checker = self._disk.open(path, "mode=ro")
            self._examined = self._loop.create_future()
            self._threads.append(
                threading.Thread(target=self._examine, args=(path,), name="anima-checker", daemon=True)
            )
        for thread in self._threads:
            thread.start()

    @property
    def takes(self) -> bool:
        """Whether writes are taken now."""
        return self._refusal(writing=True) is None

    def write(
        self, unit: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Run `unit(db, ...)` in the next commit; the future is done once that commit is on disk."""
        future: asyncio.Future[T] = self._loop.create_future()
        if refusal := self._refusal(writing=True):
            future.set_exception(refusal)
            return future
        self._pending.append((unit.__name__, lambda db: unit(db, *args, **kwargs), future))
        if self._busy or self._scheduled:
            return future
        if self._crowded:
            self._wait_for_more()
        else:
            self._hand_over()
        return future

    def read(
        self, unit: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Run `unit(db, ...)` on the reader, over one consistent state that holds every acknowledged write."""
        future: asyncio.Future[T] = self._loop.create_future()
        if refusal := self._refusal():
            future.set_exception(refusal)
            return future
        self._reads.put(lambda: self._post(self._deliver, [future], [self._look(lambda db: unit(db, *args, **kwargs))]))
        return future

    async def examined(self) -> None:
        """Wait until the check of a large store is done; it is sound then. Raises StoreDamaged."""
        if self._examined is not None:
            await asyncio.shield(self._examined)

    def _refusal(self, *, writing: bool = False) -> StoreError | None:
        """Why the store does nothing now, or None."""
        if self._closed:
            return StoreClosed("the store is closed")
        if self._broken is None and writing and self._examined is not None and not self._examined.done():
            return StoreError(f"{self.path} is being checked and takes nothing yet", "try again in a minute")
        return self._broken

    def _examine(self, path: Path) -> None:
        """Check a large store beside its readers; on a thread of its own."""
        try:
            upkeep.verify(self._checker, path)
            found = None
        except (sqlite3.Error, StoreDamaged) as error:
            found = translate(error, path) if isinstance(error, sqlite3.Error) else error
        self._loop.call_soon_threadsafe(self._settle_examination, found)

    def _settle_examination(self, found: StoreError | None) -> None:
        assert self._examined is not None
        if self._closed:
            self._examined.cancel()
        elif found is None:
            self._examined.set_result(None)
        else:
            self._broken = found
            self._examined.set_exception(found)
            self._examined.exception()  # told to whoever reads, writes or waits; nobody may be waiting

    async def aclose(self) -> None:
        """Finish what was submitted, fold the WAL into the file and let it go."""
        while self._pending or self._busy:
            await asyncio.sleep(0)
        if self._closed:
            return
        self._closed = True
        self._reads.put(None)
        self._work.put(None)
        if self._examined is not None:
            self._checker.interrupt()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        if self._examined is not None:
            self._checker.close()
        # Whoever closes last folds the WAL into the file. After a failed write nobody does: the reader cannot.
        for connection in (self._db, self._reader) if self._broken else (self._reader, self._db):
            connection.close()

    def _wait_for_more(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._gather, len(self._pending), ROUNDS)

    def _gather(self, seen: int, rounds: int) -> None:
        """Hand the crowd to the writer once it has stopped growing."""
        if len(self._pending) > seen and rounds:
            self._loop.call_soon(self._gather, len(self._pending), rounds - 1)
            return
        self._scheduled = False
        self._hand_over()

    def _hand_over(self) -> None:
        self._busy = True
        batch, self._pending = self._pending, []
        self._crowded = len(batch) > 1
        names, units, futures = map(list, zip(*batch, strict=True))
        self._work.put(lambda: self._post(self._settle, futures, self._commit(names, units)))

    def _post(self, deliver: Callable[..., None], futures: list[asyncio.Future[Any]], results: list[Result]) -> None:
        self._loop.call_soon_threadsafe(deliver, futures, results)

    def _settle(self, futures: list[asyncio.Future[Any]], results: list[Result]) -> None:
        self._busy = False
        self._deliver(futures, results)
        if self._pending:
            self._wait_for_more()

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
            return None, self._failure(error)

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
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                raise  # the disk's, and so everybody's
            self._db.execute("ROLLBACK TO unit")
            result = None, self._failure(error)
        self._db.execute("RELEASE unit")
        return result

    def _undo(self, error: Exception) -> Exception:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as worse:
            return self._failure(worse)
        return self._failure(error)

    def _failure(self, error: Exception) -> Exception:
        """What a unit failed with, in our words. After doubt about what is on disk nothing is read or written here."""
        if isinstance(error, StoreDamaged) and not error.hint and self.path:
            error.hint = upkeep.remedy(self.path)
        if not isinstance(error, sqlite3.Error):
            return error
        told = translate(error, self.path)
        if isinstance(told, StoreDamaged) and hasattr(error, "sqlite_errorcode"):  # SQLite's, not one text's
            self._broken = told
        return told


def _work_off(units: "queue.SimpleQueue[Callable[[], None] | None]") -> None:
    while (unit := units.get()) is not None:
        unit()
