"""A disk that can be told to fail, under a connection that looks like the standard module's.

SQLite reaches it through a VFS of `apsw`. Every write, sync, truncate and open of a file is an operation with a number;
the plan says what becomes of it. The shared memory of the write-ahead log is no file of the disk and never fails.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar, cast

import apsw

T = TypeVar("T")

Operation = tuple[str, str]
"""What is done, `open`, `write`, `sync` or `truncate`, and to which file: `db`, `wal` or `journal`."""
Plan = Callable[[Operation], int]
"""Is told each operation before it is done; the SQLite error code it fails with, 0 to do it."""

CODES = {"FULL": apsw.SQLITE_FULL, "IOERR": apsw.SQLITE_IOERR}
IOERR_OF = {
    "open": apsw.SQLITE_CANTOPEN,
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
}
_names = count()


class FailingDisk(apsw.VFS):
    """The machine's disk, whose operations fail as planned. `connect` is for `Disk.connect`."""

    def __init__(self, plan: Plan) -> None:
        self._name = f"failing-{next(_names)}"
        self.plan = plan
        super().__init__(self._name, "")

    def connect(self, uri: str) -> sqlite3.Connection:
        """A connection as the standard module's, over this disk."""
        return cast("sqlite3.Connection", Connection(uri, self._name))

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "FailingFile":  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        kind = next((end for end in ("journal", "wal") if path.endswith(f"-{end}")), "db")
        self.do("open", kind)
        return FailingFile(self, kind, name, flags)

    def do(self, what: str, kind: str) -> None:
        """Ask the plan about an operation; raises what it fails with."""
        if code := self.plan((what, kind)):
            raise apsw.exception_for(IOERR_OF[what] if code == apsw.SQLITE_IOERR else code)

    def excepthook(self, *error: object) -> bool:
        return True


class FailingFile(apsw.VFSFile):
    """One open file of a failing disk."""

    def __init__(self, disk: FailingDisk, kind: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._kind = kind
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.do("write", self._kind)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.do("sync", self._kind)
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.do("truncate", self._kind)
        super().xTruncate(size)

    def excepthook(self, *error: object) -> bool:
        return True


class Rows:
    """What a statement answered, all of it."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return [row for row, _ in zip(self._rows, range(size), strict=False)]


class Connection:
    """As much of `sqlite3.Connection` as the store uses, with its errors."""

    def __init__(self, uri: str, vfs: str) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        self._db = _said(lambda: apsw.Connection(uri, flags=flags, vfs=vfs))
        self._db.set_busy_timeout(10_000)

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        return Rows(_said(lambda: list(self._db.execute(statement, values))))

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        with contextlib.suppress(apsw.Error):  # SQLite itself says nothing of what fails while it closes
            self._db.close()


def _said(act: Callable[[], T]) -> T:
    """Do it; what fails raises the standard module's error, with the same code."""
    try:
        return act()
    except apsw.Error as error:
        told = sqlite3.OperationalError(str(error))
        told.sqlite_errorcode = getattr(error, "extendedresult", apsw.SQLITE_MISUSE)
        raise told from error
