"""Looking after the store: is it sound, who lives here.

Plain functions of a connection.
"""

import sqlite3


def problems(db: sqlite3.Connection) -> list[str]:
    """What SQLite's own checks find, a line each; empty when the file is sound."""
    found = [str(line) for (line,) in db.execute("PRAGMA quick_check(20)") if line != "ok"]
    found += [f"a row of {table} points to a missing row of {parent}" for table, _, parent, _ in _orphans(db)]
    return found


def _orphans(db: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    return db.execute("PRAGMA foreign_key_check").fetchmany(20)


def agent(db: sqlite3.Connection, name: str) -> int | None:
    """The row of the agent of this name, or None."""
    row = db.execute("SELECT id FROM agents WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
