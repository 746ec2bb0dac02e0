"""Takes a backup of a home: its store, its settings, its agents' pages, its attachments, in one verified file.

It may be taken while agents are at work. This module does not know how one is brought back.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anima.clock import stamp
from anima.errors import NotFound, UsageError
from anima.store import archive
from anima.store.archive import Manifest
from anima.store.disk import connect
from anima.store.forms import HOME, OWN_BACKUP
from anima.store.opening import recognise, refuse_half_restored, translate
from anima.store.snapshot import facts, snapshot

DRAFT = re.compile(r"\.anima-[\w.-]+\.(?:tar|db)\.(\d+)(?:-journal)?")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup on disk: where, what it holds, which files were no regular ones and left out, which it replaced."""

    path: Path
    manifest: Manifest
    left_out: tuple[str, ...]
    removed: tuple[Path, ...]


def back_up(home: Path, now: float, *, to: Path | None = None, workspaces: bool = False, keep: int = 7) -> Backup:
    """Back up `home`; one that anima names itself goes to its `backups` folder, where the `keep` newest stay.

    `now` is wall seconds; `keep` 0 keeps all. Raises UsageError where `to` exists, NotFound without a store,
    StoreDamaged when the store is not sound; then nothing was written or removed.
    """
    store = home / "anima.db"
    refuse_half_restored(home)
    if not store.exists():
        raise NotFound(f"there is no store at {store}", "name the home with --home, or run an agent in it first")
    target = to or _fresh(home / "backups", now)
    if to is not None and os.path.lexists(to):
        raise UsageError(f"{to} exists already", "name another file; nothing was changed")
    if to is None:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        _sweep(target.parent)
    parts = ["store", "pages", *(["workspaces"] if workspaces else [])]
    with _opened(store) as db, snapshot(db, target) as (copy, schema):
        # Attachments are kept before the events that name them: every one this copy names is there by now.
        names = list(places(home, workspaces=workspaces))
        taken = [name for name in names if (home / name).is_file() and not (home / name).is_symlink()]
        members = [("anima.db", copy), *((name, home / name) for name in taken)]
        manifest = archive.pack(target, HOME, facts(schema, now, parts=parts), members)
    removed = _rotate(target, keep) if to is None and keep else ()
    return Backup(target, manifest, tuple(name for name in names if name not in taken), removed)


def places(home: Path, *, workspaces: bool) -> Iterator[str]:
    """What of a home belongs into a backup, besides its store: names relative to it, in order."""
    patterns = ("anima.toml", "agents/*/agent.toml", "agents/*/*.md", "files/*")
    found = [path for pattern in patterns for path in home.glob(pattern)]
    for folder, folders, files in (each for top in home.glob("agents/*/workspace") for each in os.walk(top)):
        if workspaces:
            links = [name for name in folders if Path(folder, name).is_symlink()]
            found += [Path(folder, name) for name in (*files, *links)]
    names = sorted(path.relative_to(home).as_posix() for path in found)
    return (name for name in names if HOME.names.fullmatch(name))


@contextmanager
def _opened(store: Path) -> Iterator[sqlite3.Connection]:
    """The store for reading, while others may write it. Raises StoreForeign, StoreTooNew, StoreDamaged."""
    try:
        with closing(connect(f"{store.absolute().as_uri()}?mode=ro")) as db:
            recognise(db, store)
            yield db
    except sqlite3.Error as error:
        raise translate(error, store) from error


def _fresh(folder: Path, now: float) -> Path:
    """A name nobody has: by the time in UTC, and a number for the second of one second."""
    path, n = folder / f"anima-{stamp(now)}.tar", 2
    while os.path.lexists(path):
        path, n = folder / f"anima-{stamp(now)}-{n}.tar", n + 1
    return path


def _rotate(newest: Path, keep: int) -> tuple[Path, ...]:
    """Remove the oldest of anima's own backups; never the one just made, whatever the clock says."""
    own = sorted(path for path in newest.parent.iterdir() if OWN_BACKUP.fullmatch(path.name) and path != newest)
    extra = tuple(own[: max(0, len(own) - keep + 1)])
    for path in extra:
        path.unlink(missing_ok=True)
    return extra


def _sweep(folder: Path) -> None:
    """Remove drafts whose process was killed."""
    for path in folder.iterdir():
        draft = DRAFT.fullmatch(path.name)
        if draft and not _alive(int(draft[1])):
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
