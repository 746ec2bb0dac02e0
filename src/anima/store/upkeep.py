"""Looking after the store: is it sound, what brings it back, who lives here.

Functions of a connection, or of the store's path. They never write.
"""

import sqlite3
from enum import StrEnum
from pathlib import Path

from anima.errors import StoreDamaged, StoreError
from anima.store import archive, wal
from anima.store.forms import HOME
from anima.vocabulary import EffectState, EventState, TurnState

STATES: dict[str, type[StrEnum]] = {
    "SELECT DISTINCT state FROM events": EventState,
    "SELECT DISTINCT state FROM turns": TurnState,
    "SELECT DISTINCT state FROM effects": EffectState,
}


def problems(db: sqlite3.Connection) -> list[str]:
    """What is wrong with the file, a line each; empty when it is sound. Takes some 1.5 ms a megabyte."""
    answers = [str(answer) for (answer,) in db.execute("PRAGMA integrity_check(20)") if answer != "ok"]
    found = [line for answer in answers for line in answer.splitlines() if not line.startswith("***")]
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not found and version:  # 0: it was cut off before its first migration, and has no tables
        found += [f"a row of {table} points to a missing row of {parent}" for table, _, parent, _ in _orphans(db)]
        found += [f"a row is in no state there is: {state!r}" for state in _strange(db)]
    return found


def _strange(db: sqlite3.Connection) -> list[str]:
    """States that nobody would ever look for."""
    return [state for query, known in STATES.items() for (state,) in db.execute(query) if state not in set(known)]


def _orphans(db: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    return db.execute("PRAGMA foreign_key_check").fetchmany(20)


def verify(db: sqlite3.Connection, path: Path) -> None:
    """Raise StoreDamaged, with what is wrong and what brings the store back, unless the file is sound."""
    lost = wal.damage(path)
    found = [lost] if lost else problems(db)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise StoreDamaged(f"{path} is damaged: {found[0]}{more}", remedy(path), problems=found)


def remedy(path: Path) -> str:
    """What to do about a damaged store: the command that brings back its newest good backup."""
    backup = newest_backup(path.parent / "backups")
    if backup is None:
        return (
            f"it was not written; there is no backup in {path.parent / 'backups'}, so copy it away before you try more"
        )
    return f"it was not written; `anima restore {backup} --force` brings back the newest good backup"


def newest_backup(folder: Path) -> Path | None:
    """The newest backup of a home in this folder that is sound itself, or None."""
    files = sorted(folder.glob("*.tar"), key=lambda file: file.stat().st_mtime, reverse=True)
    return next((file for file in files if sound_backup(file)), None)


def sound_backup(path: Path) -> bool:
    """Whether every byte of a backup is what it was: its store was checked before it was packed."""
    try:
        return "anima.db" in archive.verify(path, HOME).files
    except (OSError, StoreError):
        return False


def agent(db: sqlite3.Connection, name: str) -> int | None:
    """The row of the agent of this name, or None."""
    row = db.execute("SELECT id FROM agents WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
