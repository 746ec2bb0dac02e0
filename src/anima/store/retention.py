"""What a store holds and how large it is; and texts of old tool results, removed on request.

Events, replies and effects stay: only the text a tool gave is replaced. Functions of the home and of the store's
path. This module does not know how often anybody asks.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from anima.store import command
from anima.store.forms import OWN_BACKUP
from anima.store.lease import whole_home
from anima.store.rows import digest

TOMBSTONE = "[The owner had this result removed: it was too old to be kept.]"

_OLD = """SELECT turn, step, n, label, length(CAST(result AS BLOB)) FROM effects WHERE finished < ?1
    AND result IS NOT NULL AND result != ?2 AND turn IN (SELECT id FROM turns WHERE closed < ?1)"""
_REMOVE = "UPDATE effects SET result = ?, result_hash = ? WHERE turn = ? AND step = ? AND n = ?"


@dataclass(frozen=True, slots=True)
class Stats:
    """Sizes in bytes, of the file, its log, and of pages in it that are free; times in wall seconds."""

    version: int
    bytes: int
    wal_bytes: int
    free_bytes: int
    rows: dict[str, int]
    agents: tuple[str, ...]
    oldest_event: float | None
    newest_event: float | None
    backups: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many results were replaced, how many bytes of text they had, and by how much the file shrank."""

    results: int
    text_bytes: int
    freed_bytes: int


def stats(home: Path) -> Stats:
    """What the store of a home holds. Raises NotFound, StoreError."""
    path = home / "anima.db"
    with command.reading(path) as db:
        oldest, newest = db.execute("SELECT min(time), max(time) FROM events").fetchone()
        return Stats(
            _pragma(db.execute("PRAGMA user_version")),
            path.stat().st_size,
            _size(path.with_name(path.name + "-wal")),
            _pragma(db.execute("PRAGMA freelist_count")) * _pragma(db.execute("PRAGMA page_size")),
            _rows(db),
            tuple(name for (name,) in db.execute("SELECT name FROM agents ORDER BY name")),
            oldest,
            newest,
            tuple(sorted(file for file in (home / "backups").glob("*.tar") if OWN_BACKUP.fullmatch(file.name))),
        )


def prune(home: Path, before: float) -> Pruned:
    """Replace the results of calls that ended before `before` (wall seconds), in turns that have ended too.

    What is replaced is overwritten on disk, in the file and in its log, and the file gives back the room. Copies of
    it in backups stay. Raises AgentBusy while an agent is at work, NotFound, StoreError; nothing was changed then.
    """
    path = home / "anima.db"
    with whole_home(home):
        with command.changing(path) as db:
            db.execute("PRAGMA secure_delete = ON")
            old = db.execute(_OLD, (before, TOMBSTONE)).fetchall()
            gone = [(TOMBSTONE, digest(TOMBSTONE, label), *place) for *place, label, _ in old]
            db.executemany(_REMOVE, gone)
        large = path.stat().st_size
        with command.reading(path) as db:
            if old:
                db.execute("PRAGMA secure_delete = ON")
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Pruned(len(old), sum(size for *_, size in old), large - path.stat().st_size)


def _rows(db: sqlite3.Connection) -> dict[str, int]:
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    count = "SELECT count(*) FROM "
    return {name: int(db.execute(count + name).fetchone()[0]) for (name,) in tables}


def _pragma(found: sqlite3.Cursor) -> int:
    return int(found.fetchone()[0])


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
