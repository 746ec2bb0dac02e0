"""Opening the store's file: which files are taken, how a new one is made, and SQLite's errors in our words.

A file is looked at before it is touched. This module does not know what is done with the connections.
"""

import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from anima.errors import StoreDamaged, StoreError, StoreForeign, StoreFull, StoreTooNew
from anima.store import schema, upkeep
from anima.store.disk import Disk
from anima.store.migration import migrate

MARK = ".restoring"
"""In a home while a restore moves its files; it names the backup."""


def open_file(path: Path | None, disk: Disk) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Open the file for writing and for reading; creates and migrates it. In memory both are one.

    It is looked at before it is touched: a file that is foreign, newer or damaged is refused and was not written.
    Raises StoreForeign, StoreTooNew, StoreDamaged or StoreFull.
    """
    if path is not None:
        refuse_half_restored(path.parent)
    with ExitStack() as stack:
        try:
            if path is not None and not _create(path):
                _look(stack.enter_context(closing(disk.open(path, _glance(path)))), path, disk)
            writer = disk.open(path, "mode=rw")
            opened = stack.enter_context(ExitStack())
            opened.callback(writer.close)
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = FULL")
            writer.execute("PRAGMA foreign_keys = ON")
            migrate(writer, path)
            reader = writer if path is None else opened.enter_context(closing(disk.open(path, "mode=ro")))
            reader.execute("SELECT 1 FROM sqlite_master")  # it holds the file from now on
        except sqlite3.Error as error:
            raise translate(error, path) from error
        opened.pop_all()
    return writer, reader


def refuse_half_restored(home: Path) -> None:
    """Raise StoreError for a home in which a restore was cut off: part of it is old, part of it new."""
    if (home / MARK).exists():
        source = (home / MARK).read_text(errors="replace").strip()
        raise StoreError(
            f"a restore of {home} was cut off", f"`anima restore {source} --force` finishes it; nothing is lost"
        )


def _create(path: Path) -> bool:
    """Make the file, private, where there is none; whether there was nothing in it."""
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    return fresh


def _glance(path: Path) -> str:
    """How to look at a file without writing it: one whose creation was cut off waits for the writer to undo that."""
    return "mode=ro&immutable=1" if path.with_name(path.name + "-journal").exists() else "mode=ro"


def _look(db: sqlite3.Connection, path: Path, disk: Disk) -> None:
    """Refuse a file that is not a sound store of this program; a large one is checked later, in the background."""
    try:
        if recognise(db, path) and not disk.is_large(path):
            upkeep.verify(db, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # the head of the file, or the text of a table's making
            raise StoreDamaged(f"{path} is damaged: {error}", upkeep.remedy(path)) from error
        raise


def recognise(db: sqlite3.Connection, path: Path) -> bool:
    """Refuse a file of another program or of a newer one; whether the tables of a store are in it."""
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark != schema.APPLICATION_ID and tables:
        raise StoreForeign(f"{path} is a database of another program", _if_ours(path))
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(schema.MIGRATIONS):
        raise StoreTooNew(
            f"{path} has version {version}; this program knows versions up to {len(schema.MIGRATIONS)}",
            "run the newer anima that wrote it",
        )
    return bool(tables)


def _if_ours(path: Path) -> str:
    """What to do about a file that is no store, or is one whose first page was damaged."""
    return f"name another file in [memory] path; if it was your store: {upkeep.remedy(path)}"


def _remedy(path: Path | None) -> str:
    return upkeep.remedy(path) if path else "start again: nothing of it is on disk"


def translate(error: sqlite3.Error, path: Path | None) -> StoreError:
    """What SQLite said, in our words."""
    exact = getattr(error, "sqlite_errorcode", 0)
    code = exact & 0xFF
    name = path or "the store in memory"
    if str(error).startswith("Could not decode"):  # the module's own words, with the text: not to be repeated
        return StoreDamaged("a text in the store is not what was written: it was changed on disk", _remedy(path))
    if code == sqlite3.SQLITE_FULL or exact == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StoreFull(f"no room left on the disk for {name}", "free some space; nothing was lost")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreForeign(f"{name} is not a database", _if_ours(path) if path else "")
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(f"{name} is damaged: {error}", _remedy(path))
    if code == sqlite3.SQLITE_IOERR:
        # After a failed sync nobody knows what is on disk; only opening it again and looking tells.
        return StoreDamaged(f"the disk under {name} failed: {error}", "see to the disk; the next start checks the file")
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(f"{name} is locked by another program", "wait for it, or end it")
    return StoreError(f"{name} cannot be used: {error}", "`anima doctor` says more")
