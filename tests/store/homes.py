"""A home in the middle of everything: what a backup, a migration and an export must carry over.

`python -m tests.store.homes FILE` writes the store of such a home as SQL text, for tests/upgrade.
"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from anima.store import Abandonment, Closing, Files, Store
from anima.testing import FakeClock
from anima.vocabulary import (
    OWNER,
    Effect,
    EffectClass,
    EffectState,
    Event,
    EventState,
    Label,
    NewEvent,
    Step,
    Trust,
    Turn,
    TurnState,
    Usage,
)

MEMBER = Label(Trust.MEMBER, frozenset({"owner", "sansa"}), frozenset({"telegram"}))
PICTURE = b"\x89PNG not really"
CLASSES: tuple[EffectClass, ...] = ("read", "idempotent", "once", "internal")


def a_step(n: int, text: str, *effects: Effect) -> Step:
    return Step(n, "test/model", text, Usage(10, 3, 2, 0.25), "end", "hash", 1000.0 + n, 0.25, effects=effects)


def a_call(id: str, kind: EffectClass) -> Effect:
    return Effect(id, f"key-{id}", "c1", f"do_{kind}", {"n": 1, "s": "é"}, kind, "allow", EffectState.INTENDED)


async def open_turn(store: Store, new: NewEvent) -> Turn:
    posted = await store.post(new, claim=True)
    opened = posted.event
    return Turn("t" + opened.id[1:], new.agent, new.conversation, TurnState.OPEN, (opened,), 1000.0)


async def answered(store: Store, agent: str, folder: Path) -> None:
    """A closed turn with a call, an attachment and an event that joined it; its reply waits to be handed over."""
    picture = folder.parent / "picture.png"
    picture.write_bytes(PICTURE)
    file = Files(folder / "files").keep(picture)
    turn = await open_turn(store, NewEvent(agent, "cli:main", "what is this?", MEMBER, "cli", "s1", (file,)))
    call = a_call(f"{turn.id}.1.1", "once")
    await store.write_step(turn, a_step(1, "I look.", call), ())
    joined = (await store.post(NewEvent(agent, "cli:main", "and quickly", MEMBER))).event
    done = replace(call, state=EffectState.DONE, begun=1001.0, finished=1002.0, result="a long text", label=MEMBER)
    await store.write_effects(turn, [done])
    closed = replace(turn, state=TurnState.CLOSED, closed=1003.0)
    await store.close_turn(Closing(closed, EventState.ANSWERED, a_step(2, "A picture."), (joined,)))


async def under_way(store: Store, agent: str, kind: EffectClass) -> Event:
    """An open turn whose call of this class has begun; with a second call that has not."""
    turn = await open_turn(store, NewEvent(agent, f"cli:{kind}", f"do the {kind}", OWNER))
    first, second = a_call(f"{turn.id}.1.1", kind), a_call(f"{turn.id}.1.2", kind)
    await store.write_step(turn, a_step(1, "", first, second), ())
    await store.write_effects(turn, [replace(first, begun=1001.0, attempts=1)])
    return turn.events[0]


async def fill(folder: Path, agent: str = "arya") -> None:
    """Everything at once, in `folder/anima.db`."""
    clock = FakeClock()
    for _ in agent:
        clock.new_key()  # so that agents of two homes have two keys
    store = await Store.open(folder / "anima.db", clock)
    await store.adopt(agent)
    await answered(store, agent, folder)
    for kind in CLASSES:
        await under_way(store, agent, kind)
    waiting = await open_turn(store, NewEvent(agent, "cli:wait", "may I?", OWNER))
    asks = replace(a_call(f"{waiting.id}.1.1", "once"), state=EffectState.WAITING, decision="ask")
    await store.write_step(waiting, a_step(1, "", asks), ())
    dead = await open_turn(store, NewEvent(agent, "cli:dead", "break", OWNER))
    await store.abandon(Abandonment(dead.id, TurnState.FAILED, EventState.DEAD, "it broke", "cut off"))
    await store.post(NewEvent(agent, "cli:wait", "are you there?", OWNER, source_id="s2"))
    await store.aclose()


def pages(home: Path, agent: str = "arya") -> None:
    folder = home / "agents" / agent
    folder.mkdir(parents=True, exist_ok=True)
    (home / "anima.toml").write_text('[owner]\nname = "Ned"\n')
    (folder / "agent.toml").write_text(
        f'# Who she is.\n[agent]\nname = "{agent}" # no one\n\n[llm]\nprovider = "local"\n'
    )
    (folder / "persona.md").write_text("You are brief.\n")
    (folder / "workspace" / "deep").mkdir(parents=True)
    (folder / "workspace" / "deep" / "notes.txt").write_text("mine")


def dump(path: Path) -> list[str]:
    """Every row of a store, as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def write_fixture(target: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        home.mkdir()
        asyncio.run(fill(home))
        with closing(sqlite3.connect(home / "anima.db")) as db:
            marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        lines = [f"PRAGMA application_id = {marks[0]};", f"PRAGMA user_version = {marks[1]};", *dump(home / "anima.db")]
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_fixture(Path(sys.argv[1]))
