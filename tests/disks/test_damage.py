"""A flipped byte anywhere in the store: found at the start, or when the text is read, or harmless; never served.

What is promised is about what a store says: texts, calls, results, whose they are. Numbers of bookkeeping (tokens,
times, attempts) carry no hash. The file is never written by a program that finds it damaged.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import struct
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from anima.errors import StoreDamaged, StoreError
from anima.store import Closing, Store
from anima.testing import FakeClock
from anima.vocabulary import OWNER, Effect, EffectState, EventState, NewEvent, Step, Turn, TurnState, Usage

FLIPS = int(os.environ.get("ANIMA_FLIPS", "45"))
"""Flips in each class of page; the environment may ask for more."""
PAGE, TURNS = 4096, 60
KINDS = {2: "interior index", 5: "interior table", 10: "index leaf", 13: "table leaf"}

Said = dict[str, object]


async def fill(path: Path) -> None:
    """Turns with texts of every size, some of them over several pages; the file is left with its log."""
    store = await Store.open(path, FakeClock())
    await store.adopt("arya")
    for n in range(TURNS):
        text = f"task {n} " + "wörd " * (n * n % 2500)
        posted = await store.post(NewEvent("arya", f"cli:{n % 7}", text, OWNER, "cli", f"m{n}"), claim=True)
        turn = await store.load("t" + posted.event.id[1:])
        call = Effect(f"{turn.id}.1.1", f"key{n}", "c1", "pay", {"n": n}, "once", "allow", EffectState.INTENDED)
        step = Step(1, "test/model", "I pay", Usage(), "calls", "digest", 1.0, 0.1, effects=(replace(call, begun=1.0),))
        await store.write_step(turn, step, ())
        await store.write_effects(turn, [replace(call, state=EffectState.DONE, begun=1.0, result=text, label=OWNER)])
        last = Step(2, "test/model", f"done: {text}", Usage(), "end", "digest", 3.0, 0.1)
        await store.close_turn(Closing(replace(turn, state=TurnState.CLOSED, closed=3.0), EventState.ANSWERED, last))
    shutil.copytree(path.parent, path.parent.with_name("killed"))
    await store.aclose()


async def read(path: Path) -> tuple[Said, int]:
    """All that the store says, and how many reads it refused. Raises StoreError where it says nothing."""
    said: Said = {}
    refused = 0
    store = await Store.open(path, FakeClock())
    try:
        await store.adopt("arya")
        for n in range(1, TURNS + 1):
            try:
                turn = await store.turn(f"t{n}")
                said[f"t{n}"] = None if turn is None else texts(turn)
            except StoreDamaged:
                refused += 1
    finally:
        await store.aclose()
    return said, refused


def texts(turn: Turn) -> object:
    """What a person, a model or a tool is given of a turn."""
    return (
        [(event.conversation, event.number, event.text, event.label, event.attachments) for event in turn.events],
        [(step.n, step.model, step.text, step.reasoning) for step in turn.steps],
        [
            (effect.id, effect.key, effect.tool, effect.arguments, effect.result, effect.label)
            for effect in turn.effects
        ],
        turn.state,
    )


class Homes:
    """A closed store with every class of page, one that was killed with its log, and what both say."""

    def __init__(self, folder: Path) -> None:
        self.closed, self.killed = folder / "closed" / "anima.db", folder / "killed" / "anima.db"
        self.closed.parent.mkdir()
        asyncio.run(fill(self.closed))
        with closing(sqlite3.connect(self.closed)) as db:  # rows that come and go leave free pages
            db.execute("CREATE TABLE gone AS SELECT * FROM effects")
            db.execute("DROP TABLE gone")
        self.said, _ = asyncio.run(read(folder / shutil.copytree(self.closed.parent, folder / "copy") / "anima.db"))
        self.pages = classes(self.closed.read_bytes())


def classes(data: bytes) -> dict[str, list[int]]:
    """The pages of a file, by class; the header is the first hundred bytes of the first."""
    free: set[int] = set()
    (trunk,) = struct.unpack_from(">I", data, 32)
    while trunk:
        following, number, *leaves = struct.unpack_from(f">II{PAGE // 4 - 2}I", data, (trunk - 1) * PAGE)
        free |= {trunk, *leaves[:number]}
        trunk = following
    found: dict[str, list[int]] = {"header": [1], "freelist": sorted(free)}
    for page in range(2, len(data) // PAGE + 1):
        if page not in free:
            found.setdefault(KINDS.get(data[(page - 1) * PAGE], "overflow"), []).append(page)
    return found


def last_commit(log: bytes) -> int:
    """Where the last commit of a log begins: damage to it cannot be told from power loss."""
    frames = range(32, len(log) - PAGE, 24 + PAGE)
    salt = log[16:24]
    commits = [at for at in frames if log[at + 8 : at + 16] == salt and log[at + 4 : at + 8] != bytes(4)]
    return commits[-2] + 24 + PAGE


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"))


def flip(data: bytearray, place: int, chance: random.Random) -> None:
    data[place] ^= 1 << chance.randrange(8)


async def found_or_harmless(path: Path, said: Said) -> str:
    """What became of a damage: `found` at the start, `refused` when read, or `harmless`."""
    before = path.read_bytes()
    try:
        now, refused = await read(path)
    except StoreError as error:
        now, refused, hint = {}, 0, error.hint
    if not now:
        assert "backup" in hint or "newer" in hint
        assert path.read_bytes() == before, "a store that was refused was written"
        return "found"
    assert now == {id: said[id] for id in now}, "something wrong was served"
    return "refused" if refused else "harmless"


@pytest.mark.parametrize(
    "kind",
    ["header", "table leaf", "interior table", "index leaf", "overflow", "freelist"],
)
async def test_a_flipped_byte_in_any_page_is_found_or_harmless(homes: Homes, kind: str, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    sound = homes.closed.read_bytes()
    for seed in range(FLIPS):
        chance, data = random.Random(f"{kind} {seed}"), bytearray(sound)
        page = chance.choice(homes.pages[kind])
        flip(data, (page - 1) * PAGE + chance.randrange(100 if kind == "header" else PAGE), chance)
        (tmp_path / "anima.db").write_bytes(data)
        ends[await found_or_harmless(tmp_path / "anima.db", homes.said)] += 1
    assert sum(ends.values()) == FLIPS
    if kind not in ("freelist", "header"):
        assert ends["found"] + ends["refused"]


async def test_a_flipped_byte_in_the_log_is_found_or_harmless(homes: Homes, tmp_path: Path) -> None:
    log = homes.killed.with_name("anima.db-wal").read_bytes()
    for seed in range(FLIPS):
        chance, data = random.Random(f"log {seed}"), bytearray(log)
        flip(data, chance.randrange(last_commit(log)), chance)
        (tmp_path / "anima.db").write_bytes(homes.killed.read_bytes())
        (tmp_path / "anima.db-wal").write_bytes(data)
        (tmp_path / "anima.db-shm").unlink(missing_ok=True)
        await found_or_harmless(tmp_path / "anima.db", homes.said)
