"""Brings a home back from a backup. Everything is verified before anything is moved; what is replaced is kept.

A mark in the home, there while files are moved, keeps everything else from starting; running the same command again
finishes what was cut off. This module does not know how a backup is taken.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anima import faults
from anima.clock import stamp
from anima.errors import NotFound, UsageError
from anima.store import archive, command
from anima.store.archive import Manifest, sync_folder
from anima.store.backup import places
from anima.store.forms import HOME
from anima.store.held import Held, hold
from anima.store.lease import unopened, whole_home
from anima.store.opening import MARK

STORE = ("anima.db", "anima.db-wal", "anima.db-shm", "anima.db-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back, what is held now, and where that is which was there before (None: nothing was)."""

    manifest: Manifest
    held: Held
    replaced: Path | None


def look(source: Path) -> Manifest:
    """What a backup holds, every byte of it verified; nothing is touched. Raises NotFound, StoreError."""
    _find(source)
    return archive.verify(source, HOME)


def restore(source: Path, home: Path, now: float, *, force: bool = False) -> Restored:
    """Make `home` what it was when the backup was taken, with everything pending held.

    `now` is wall seconds. Raises AgentBusy while an agent is at work, UsageError for a home that is not empty unless
    `force`, NotFound, StoreError for a backup that is not sound; nothing was changed then.
    """
    _find(source)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_home(home), unopened(home / "anima.db"):
        if not force and _present(home, ("store", "pages")):
            raise UsageError(
                f"{home} is not empty", "--force replaces what is there, and keeps it; --home names another"
            )
        backups = home / "backups"
        backups.mkdir(mode=0o700, exist_ok=True)
        stage = backups / f".restoring.{os.getpid()}"
        _clear(backups)
        try:
            manifest = archive.unpack(source, HOME, stage)
            held = _hold(stage, now)
            aside = _unused(backups / f"replaced-{stamp(now)}")
            moves = _plan(home, stage, manifest, aside)
            with _marked(home, source):
                _move(home, moves)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return Restored(manifest, held, aside if aside.exists() else None)


def _find(source: Path) -> None:
    if not source.exists():
        raise NotFound(f"there is no file {source}", "`anima store stats` lists the backups of a home")


@contextmanager
def _marked(home: Path, source: Path) -> Iterator[None]:
    """Keep everything from starting in `home` while the block runs, and for good when it is cut off."""
    with (home / MARK).open("w") as mark:
        mark.write(str(source.absolute()))
        mark.flush()
        os.fsync(mark.fileno())
    sync_folder(home)
    yield
    (home / MARK).unlink()
    sync_folder(home)


def _clear(backups: Path) -> None:
    """Remove what restores that were killed had unpacked; nobody else is in the home now."""
    for left in backups.glob(".restoring.*"):
        shutil.rmtree(left)


def _hold(stage: Path, now: float) -> Held:
    """Make the store wait for its owner; brings one of an earlier version to this one."""
    if not (stage / "anima.db").exists():
        return Held(0, 0, ())
    with command.changing(stage / "anima.db") as db:
        return hold(db, now)


def _present(home: Path, parts: Collection[str]) -> list[str]:
    """What a backup of these parts of this home would hold now."""
    store = [name for name in STORE if "store" in parts and (home / name).exists()]
    return [*store, *(places(home, workspaces="workspaces" in parts) if "pages" in parts else ())]


def _unused(folder: Path) -> Path:
    while os.path.lexists(folder):
        folder = folder.with_name(folder.name + "-again")
    return folder


def _plan(home: Path, stage: Path, manifest: Manifest, aside: Path) -> list[tuple[Path, Path]]:
    """Which files are set aside, then which take their place. Raises UsageError for a home that is in pieces."""
    parts = manifest.facts.get("parts")
    present = _present(home, parts if isinstance(parts, list) else ())
    present += [name for name in manifest.files if name not in present and os.path.lexists(home / name)]
    moves = [(home / name, aside / name) for name in present]
    moves += [(stage / name, home / name) for name in manifest.files]
    disk = home.stat().st_dev
    for folder in _folders(home, (path for move in moves for path in move)):
        if os.path.lexists(folder) and (folder.is_symlink() or folder.stat().st_dev != disk):
            raise UsageError(f"{folder} is a link, or on another disk", "restore into a fresh home with --home")
    return moves


def _move(home: Path, moves: Sequence[tuple[Path, Path]]) -> None:
    faults.reach("restore.replacing")
    for source, target in moves:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.rename(source, target)
    for folder in (home, *_folders(home, (target for _, target in moves))):
        sync_folder(folder)
    faults.reach("restore.replaced")


def _folders(home: Path, paths: Iterable[Path]) -> set[Path]:
    """The folders below `home` that hold these."""
    return {folder for path in paths for folder in path.parents if folder.is_relative_to(home) and folder != home}
