"""Looking after the store: is it sound, what brings it back, who lives here.

Functions of a connection, or of the store's path. They never write.
"""

import sqlite3
from pathlib import Path

from anima.errors import StoreDamaged, StoreError
from anima.store import archive, wal
from anima.store.forms import HOME


def problems(db: sqlite3.Connection, thorough: bool = False) -> list[str]:
    """What SQLite's own checks find, a line each; empty when the file is sound. `thorough` reads every index too."""
    check = "PRAGMA integrity_check(20)" if thorough else "PRAGMA quick_check(20)"
    found = [str(line) for (line,) in db.execute(check) if line != "ok"]
    found += [f"a row of {table} points to a missing row of {parent}" for table, _, parent, _ in _orphans(db)]
    return found


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
    return f"it was not written; `anima restore {backup}` brings back the newest good backup"


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
