"""Brings a store's file to this program's version: each migration is one transaction, and a copy is taken first.

This module does not know what a migration changes.
"""

import sqlite3
from pathlib import Path

from anima import faults
from anima.store import schema
from anima.store.archive import sync_folder
from anima.store.snapshot import before_migration


def migrate(db: sqlite3.Connection, path: Path | None) -> None:
    """Run the migrations that the file has not had. A kill between two leaves it whole, at the version between."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if path is not None and 0 < version < len(schema.MIGRATIONS):
        before_migration(db, path, len(schema.MIGRATIONS))
    while _step(db):
        pass
    if path is not None and version < len(schema.MIGRATIONS):
        sync_folder(path.parent)


def _step(db: sqlite3.Connection) -> bool:
    """One migration; False when there is none left, which another process may have seen to."""
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version >= len(schema.MIGRATIONS):
        db.execute("ROLLBACK")
        return False
    schema.MIGRATIONS[version](db)
    db.execute(f"PRAGMA user_version = {version + 1:d}")
    db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID:d}")
    faults.reach("store.migrating")
    db.execute("COMMIT")
    faults.reach("store.migrated")
    return True
