"""A consistent copy of the store's file while others write to it, checked before anybody relies on it.

This module knows nothing of the rest of a home but where its backups are.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from anima import __version__
from anima.clock import stamp
from anima.errors import StoreDamaged
from anima.store import archive, upkeep
from anima.store.disk import connect
from anima.store.forms import HOME


@contextmanager
def snapshot(source: sqlite3.Connection, target: Path) -> Iterator[tuple[Path, int]]:
    """A checked copy of the database behind `source` as one file beside `target`, and its version; gone afterwards.

    Raises StoreDamaged when the copy does not pass the checks every start makes.
    """
    path = archive.draft_of(target.with_suffix(".db"))
    os.close(os.open(path, archive.WRITE, 0o600))
    try:
        with closing(connect(f"{path.absolute().as_uri()}?mode=rw")) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            found = upkeep.problems(copy)
            (version,) = copy.execute("PRAGMA user_version").fetchone()
        if found:
            raise StoreDamaged(f"the store is damaged: {found[0]}", "no backup was made; restore an earlier one")
        yield path, version
    finally:
        for leftover in (path, path.with_name(path.name + "-journal")):
            leftover.unlink(missing_ok=True)


def facts(schema: int, time: float, **more: object) -> dict[str, object]:
    """What every archive says of who wrote it: the program's version, the store's, when (wall seconds)."""
    return {"program": __version__, "schema": schema, "time": time, **more}


def before_migration(db: sqlite3.Connection, path: Path, to: int) -> None:
    """Keep the store as it is in a verified backup before it is brought to version `to`; the same state is kept once.

    It is named by when the store was last written. Raises what `archive.pack` does: then nothing was changed.
    """
    folder = path.parent / "backups"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = path.with_name(path.name + "-wal")
    written = max(file.stat().st_mtime for file in (path, log) if file.exists())
    target = folder / f"anima-{stamp(written)}-before-{to}.tar"
    if target.exists() and upkeep.sound_backup(target):
        return
    with snapshot(db, target) as (copy, schema):
        archive.pack(target, HOME, facts(schema, written, parts=["store"]), [("anima.db", copy)])
