"""One owner process for an agent at a time.

The proof is a lock on a file, freed by the kernel when its process ends and not inherited by children. The row only
names the owner and raises the epoch, which every later owner sees.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from anima.errors import AgentBusy

SQLITE_SHARED = (0x40000002, 510)
"""The bytes of a database file on which every process that has it open holds a read lock (SQLite's file format)."""


class Lease:
    """The lock on `folder/.lock`, held until released. Raises AgentBusy, naming the owner, when another holds it."""

    def __init__(self, folder: Path, agent: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._file, 100, 0).decode(errors="replace").strip() or "another process"
            os.close(self._file)
            raise AgentBusy(
                f"{agent} is run by {owner} now",
                "wait for it, or end it; other agents of this home are free",
                agent=agent,
            ) from None
        os.ftruncate(self._file, 0)
        with suppress(OSError):  # a full disk: the lock holds without a name, and the store will say that it is full
            os.pwrite(self._file, f"process {os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next owner in."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


@contextmanager
def whole_home(home: Path) -> Iterator[None]:
    """Own every agent of a home while the block runs. Raises AgentBusy, naming the one that is at work."""
    with ExitStack() as stack:
        stack.callback(Lease(home, "this home").release)
        for folder in sorted((home / "agents").glob("*")):
            if folder.is_dir():
                stack.callback(Lease(folder, folder.name).release)
        yield


@contextmanager
def unopened(store: Path) -> Iterator[None]:
    """Keep every other process out of a store's file, sound or not, while the block runs; this one must not open it.

    Raises AgentBusy when a process has it open.
    """
    with ExitStack() as stack:
        if store.exists():
            file = stack.enter_context(store.open("r+b"))
            start, length = SQLITE_SHARED
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
            except OSError as error:
                raise AgentBusy(f"a process has {store} open now", "wait for it, or end it") from error
        yield


def adopt(db: sqlite3.Connection, name: str, key: str, now: float) -> int:
    """The agent's row (made when new), its lease taken by this process: the epoch rises by one."""
    db.execute("INSERT INTO agents (key, name, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (key, name, now))
    (id,) = db.execute("SELECT id FROM agents WHERE name = ?", (name,)).fetchone()
    db.execute(
        """INSERT INTO leases (agent, epoch, owner, since) VALUES (?1, 1, ?2, ?3)
           ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner = ?2, since = ?3""",
        (id, f"process {os.getpid()}", now),
    )
    return int(id)
