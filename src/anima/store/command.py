"""The store opened for one command, without a runtime: looked at first as every start does, one commit, closed.

This module does not know what the command changes.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anima import faults
from anima.errors import NotFound
from anima.store.disk import Disk
from anima.store.opening import open_file, translate


@contextmanager
def reading(path: Path, *, fresh: bool = False) -> Iterator[sqlite3.Connection]:
    """The store at `path`, checked from end to end and brought to this version. Raises NotFound, StoreError."""
    if not fresh and not path.exists():
        raise NotFound(f"there is no store at {path}", "name the home with --home, or run an agent in it first")
    writer, reader = open_file(path, Disk(large=sys.maxsize))
    reader.close()
    try:
        yield writer
    except sqlite3.Error as error:
        raise translate(error, path) from error
    finally:
        writer.close()


@contextmanager
def changing(path: Path, *, fresh: bool = False) -> Iterator[sqlite3.Connection]:
    """As `reading`, inside a transaction that is committed at the end of the block and undone when it raises.

    `fresh` makes a store where there is none.

    Another process may use the store meanwhile: it waits for the commit.
    """
    with reading(path, fresh=fresh) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        faults.reach("command.committing")
        db.execute("COMMIT")
        faults.reach("command.committed")
