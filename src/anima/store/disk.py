"""The disk under the store: how its file is opened, and whether there is room for new work.

This module does not know what the file holds.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anima.errors import StoreFull

MEGABYTE = 1_000_000
MOST_KEPT_FREE, SHARE_KEPT_FREE = 200 * MEGABYTE, 0.05
"""Where nothing else is said, new work is refused below this many bytes, or this share of a smaller disk."""


def connect(uri: str) -> sqlite3.Connection:
    """A connection to the database at `uri` that opens no transaction by itself; any one thread at a time uses it."""
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0)


def measure(folder: Path) -> tuple[int, int]:
    """Free and total bytes of the disk that holds `folder`."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


@dataclass(frozen=True, slots=True)
class Disk:
    """How a store meets its disk.

    `low_water` is the free space in bytes below which new work is refused (None: 200 MB, or 5 % of a smaller disk).
    `patient`: a write that finds the disk full waits for room instead of failing. A store of more than `large` bytes
    is checked in the background. `connect` and `measure` are the disk itself.
    """

    low_water: int | None = None
    patient: bool = False
    large: int = 256 * MEGABYTE
    connect: Callable[[str], sqlite3.Connection] = connect
    measure: Callable[[Path], tuple[int, int]] = measure

    def open(self, path: Path | None, mode: str) -> sqlite3.Connection:
        """Connect to the file at `path`: `mode=ro` or `mode=rw`; None is a database in memory."""
        return self.connect("file::memory:" if path is None else f"{path.absolute().as_uri()}?{mode}")

    def is_large(self, path: Path) -> bool:
        """Whether checking the file takes long enough to be done in the background."""
        return path.stat().st_size > self.large

    def refuse_if_low(self, path: Path) -> None:
        """Raise StoreFull when the disk that holds `path` has less free space than is kept for work under way."""
        free, total = self.measure(path.parent)
        kept = self.low_water
        if kept is None:
            kept = min(MOST_KEPT_FREE, int(total * SHARE_KEPT_FREE))
        if free < kept:
            raise StoreFull(
                f"{free / MEGABYTE:.1f} MB are free for {path}; below {kept / MEGABYTE:.1f} MB nothing new is taken",
                "free some space, or lower [store] low_water; what was accepted is finished",
                free=free,
                low_water=kept,
            )
