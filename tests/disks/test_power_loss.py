"""Power loss: what was written since the last sync of a file is there or not, whole or in part.

One life is recorded, write by write. Then the power goes at any moment of it: of the writes that no sync had followed
each sector is on disk or not, by the seed. What was acknowledged before that moment is there at the next start.
"""

import asyncio
import os
import random
import sqlite3
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import cast

import apsw
import pytest

from anima.errors import StoreError
from anima.store import Closing, Disk, Store
from anima.testing import FakeClock
from anima.vocabulary import OWNER, Effect, EffectState, EventState, NewEvent, Step, TurnState, Usage
from tests.disks.disk import Connection

SEEDS = int(os.environ.get("ANIMA_SEEDS", "150"))
"""How many times the power goes; the environment may ask for more."""
SECTOR = 512
TURNS = 40
_names = count()


@dataclass(frozen=True)
class Done:
    """One operation on a file: `write` of bytes at a place, `truncate` to a place, `sync`, or `delete`."""

    what: str
    file: str
    place: int = 0
    data: bytes = b""


@dataclass
class Recording:
    """All operations of a life, and what had been acknowledged after how many of them."""

    done: list[Done] = field(default_factory=list)
    kept: list[tuple[int, str, str]] = field(default_factory=list)

    def acknowledge(self, what: str, text: str) -> None:
        self.kept.append((len(self.done), what, text))


class RecordingDisk(apsw.VFS):
    """The machine's disk, and a record of what was done on it."""

    def __init__(self) -> None:
        self._name = f"recording-{next(_names)}"
        self.record = Recording()
        super().__init__(self._name, "")

    def connect(self, uri: str) -> sqlite3.Connection:
        """A connection that folds its log into the file often, so that this is recorded too."""
        connection = Connection(uri, self._name)
        connection.execute("PRAGMA wal_autocheckpoint = 30")
        return cast("sqlite3.Connection", connection)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "RecordingFile":  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        return RecordingFile(self.record, Path(path).name, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self.record.done.append(Done("delete", Path(name).name))
        super().xDelete(name, sync)

    def excepthook(self, *error: object) -> bool:
        return True


class RecordingFile(apsw.VFSFile):
    """One open file of a recording disk."""

    def __init__(self, record: Recording, file: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._record, self._file = record, file
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._record.done.append(Done("write", self._file, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._record.done.append(Done("truncate", self._file, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._record.done.append(Done("sync", self._file))

    def excepthook(self, *error: object) -> bool:
        return True


async def live(path: Path, record: Recording, disk: RecordingDisk) -> None:
    """Forty events answered with a tool call each, the store closed and opened again in the middle."""
    for half in range(2):
        store = await Store.open(path, FakeClock(), Disk(connect=disk.connect))
        await store.adopt("arya")
        record.acknowledge("opened", "")
        for n in range(half * TURNS // 2, (half + 1) * TURNS // 2):
            await answer(store, f"task {n} " + "x" * (n * 311 % 5000), record)
        await store.aclose()


async def answer(store: Store, text: str, record: Recording) -> None:
    posted = await store.post(NewEvent("arya", "cli:main", text, OWNER), claim=True)
    record.acknowledge(posted.event.id, text)
    turn = await store.load("t" + posted.event.id[1:])
    call = Effect(f"{turn.id}.1.1", "key", "c1", "pay", {"n": 1}, "once", "allow", EffectState.INTENDED)
    step = Step(1, "test/model", "I pay", Usage(), "calls", "digest", 1.0, 0.1, effects=(replace(call, begun=1.0),))
    await store.write_step(turn, step, ())
    record.acknowledge(turn.id, "I pay")
    await store.write_effects(turn, [replace(call, state=EffectState.DONE, begun=1.0, finished=2.0, result=text)])
    record.acknowledge(call.id, text)
    last = Step(2, "test/model", f"done: {text}", Usage(), "end", "digest", 3.0, 0.1)
    await store.close_turn(Closing(replace(turn, state=TurnState.CLOSED, closed=3.0), EventState.ANSWERED, last))
    record.acknowledge(turn.id, f"done: {text}")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    disk = RecordingDisk()
    asyncio.run(live(tmp_path_factory.mktemp("life") / "anima.db", disk.record, disk))
    return disk.record


def leave(folder: Path, record: Recording, end: int, chance: random.Random) -> None:
    """Write what the disk holds when the power goes after `end` operations."""
    files: dict[str, bytearray] = {}
    synced: dict[str, int] = {}
    folder_synced = -1
    for n, each in enumerate(record.done[:end]):
        if each.what == "sync":
            synced[each.file] = n
            if each.file.endswith("-wal"):
                folder_synced = n  # SQLite syncs the folder with the first sync of a new log
    luck = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    for n, each in enumerate(record.done[:end]):
        held = files.setdefault(each.file, bytearray())
        sure = n < (folder_synced if each.what == "delete" else synced.get(each.file, -1))
        if each.what == "write":
            for at in range(0, len(each.data), SECTOR):
                if sure or chance.random() < luck:
                    put(held, each.place + at, each.data[at : at + SECTOR])
        elif each.what != "sync" and (sure or chance.random() < luck):
            held[:] = held[: each.place] if each.what == "truncate" else b""
    for name, held in files.items():
        if name and (held or name == "anima.db"):
            (folder / name).write_bytes(held)


def put(held: bytearray, place: int, data: bytes) -> None:
    held.extend(bytes(max(0, place - len(held))))
    held[place : place + len(data)] = data


async def test_the_life_folds_its_log_and_begins_it_anew(record: Recording) -> None:
    kinds = {(each.what, each.file) for each in record.done}
    assert {("write", "anima.db"), ("sync", "anima.db"), ("sync", "anima.db-wal"), ("delete", "anima.db-wal")} <= kinds
    begun = [each for each in record.done if each.file == "anima.db-wal" and each.what == "write" and each.place == 0]
    assert len(begun) > 3


async def test_nothing_acknowledged_is_missing_after_power_loss(record: Recording, tmp_path: Path) -> None:
    for seed in range(SEEDS):
        await lose_power(record, seed, tmp_path)


async def test_a_disk_that_lies_about_its_syncs_is_caught_by_the_audit(record: Recording, tmp_path: Path) -> None:
    lying = replace(record, done=[replace(each, file="") if each.what == "sync" else each for each in record.done])
    caught = 0
    for seed in range(20):
        try:
            await lose_power(lying, seed, tmp_path)
        except (AssertionError, StoreError):
            caught += 1
    assert caught


async def lose_power(record: Recording, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    end = chance.randrange(len(record.done) + 1)
    home = folder / str(seed)
    home.mkdir()
    leave(home, record, end, chance)
    try:
        await audit(home / "anima.db", [(what, text) for n, what, text in record.kept if n <= end])
    except (AssertionError, StoreError) as error:
        error.add_note(f"seed {seed}: the power went after {end} of {len(record.done)} operations")
        raise


async def audit(path: Path, kept: list[tuple[str, str]]) -> None:
    store = await Store.open(path, FakeClock())
    try:
        assert await store.check() == []
        for what, text in kept:
            await find(store, what, text)
    finally:
        await store.aclose()


async def find(store: Store, what: str, text: str) -> None:
    if what.startswith("e"):
        event = await store.event(what)
        assert event is not None
        assert event.text == text
    elif what.startswith("t"):
        turn = await store.turn(what.partition(".")[0])
        assert turn is not None
        said = [effect.result for effect in turn.effects] if "." in what else [step.text for step in turn.steps]
        assert text in said
