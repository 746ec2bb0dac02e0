"""Who lives in a home: its agents as rows, whether each may work, and the settings that were last right.

An idle agent is no more than its row. This module does not know who is awake, nor what settings mean.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from anima.clock import Clock
from anima.errors import NotFound, UsageError
from anima.store.sqlite import Engine

RETIRED = "~"
"""What no agent's name can hold; it stands before the time at which one was removed."""


class Standing(StrEnum):
    """Whether an agent may begin turns. `stopped`: the turn that ran was ended as well."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Resident:
    """An agent as its row has it. `note` says why it does not work; `events` counts those not answered, by state."""

    name: str
    key: str
    standing: Standing
    note: str | None = None
    template: str | None = None
    events: Counter[str] = field(default_factory=Counter)


class Residents:
    """The agents of an open store."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def enroll(self, names: Iterable[str], template: str | None = None) -> None:
        """Give those a row that have none. `template` names the agent whose settings they share."""
        if missing := await self._engine.read(strangers, list(names)):
            rows = [(name, self._clock.new_key()) for name in missing]
            await self._engine.write(enroll, rows, self._clock.now(), template)

    async def find(self, name: str) -> Resident | None:
        """The agent of this name, without its events."""
        return await self._engine.read(find, name)

    async def names(self) -> list[str]:
        """Everybody's name, in order."""
        return await self._engine.read(names)

    async def resting(self) -> list[str]:
        """Names of those that may not begin turns."""
        return await self._engine.read(resting)

    async def at_work(self) -> list[str]:
        """Names of those that may work and have something to do, now or later."""
        return await self._engine.read(at_work)

    async def pupils(self, template: str) -> list[str]:
        """Names of those who live by the settings of `template`."""
        return await self._engine.read(pupils, template)

    async def settle(self, name: str, standing: Standing, note: str | None = None) -> None:
        """Let an agent work or rest from now on. Raises NotFound."""
        await self._engine.write(settle, name, standing, note)

    async def keep_settings(self, name: str, text: str) -> None:
        """Remember the text of a settings file that is right; `name` is its agent, "" the home."""
        if await self._engine.read(settings, name) != text:
            await self._engine.write(keep_settings, name, text, self._clock.now())

    async def settings(self, name: str) -> str | None:
        """The text of the settings file that was last right, or None."""
        return await self._engine.read(settings, name)


def strangers(db: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    """Those of `names` that have no row."""
    rows = db.execute(
        "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT name FROM agents)", (json.dumps(names),)
    )
    return [name for (name,) in rows]


def enroll(db: sqlite3.Connection, rows: Sequence[tuple[str, str]], now: float, template: str | None) -> None:
    """Rows for new agents: names and keys."""
    db.executemany(
        "INSERT INTO agents (name, key, created, template) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(name, key, now, template) for name, key in rows],
    )


def find(db: sqlite3.Connection, name: str) -> Resident | None:
    row = db.execute("SELECT name, key, standing, note, template FROM agents WHERE name = ?", (name,)).fetchone()
    return None if row is None else Resident(row[0], row[1], Standing(row[2]), row[3], row[4])


def everybody(db: sqlite3.Connection) -> list[Resident]:
    """All agents by name, with their events that are not answered."""
    events: dict[int, Counter[str]] = {}
    for query in (
        "SELECT agent, state, count(*) FROM events WHERE state IN ('queued', 'running', 'waiting') GROUP BY 1, 2",
        "SELECT agent, state, count(*) FROM events WHERE state = 'dead' GROUP BY 1",
    ):
        for agent, state, count in db.execute(query):
            events.setdefault(agent, Counter())[state] = count
    rows = db.execute(
        "SELECT id, name, key, standing, note, template FROM agents WHERE name NOT LIKE '%~%' ORDER BY name"
    )
    return [
        Resident(name, key, Standing(standing), note, template, events.get(id, Counter()))
        for id, name, key, standing, note, template in rows
    ]


def names(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM agents WHERE name NOT LIKE '%~%' ORDER BY name")]


def resting(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM agents WHERE standing != 'active'")]


def at_work(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        """SELECT name FROM agents WHERE standing = 'active' AND id IN
           (SELECT agent FROM events WHERE state IN ('queued', 'running', 'waiting')) ORDER BY name"""
    )
    return [name for (name,) in rows]


def settle(db: sqlite3.Connection, name: str, standing: Standing, note: str | None) -> None:
    """Let an agent work or rest. Raises NotFound."""
    changed = db.execute("UPDATE agents SET standing = ?, note = ? WHERE name = ?", (standing, note, name))
    if changed.rowcount == 0:
        raise NotFound(f"no agent is called {name!r} here", "`anima status` shows all agents")


def keep_settings(db: sqlite3.Connection, name: str, text: str, now: float) -> None:
    """Remember a settings file that is right."""
    db.execute(
        "INSERT INTO settings (name, text, time) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET text = ?2, time = ?3",
        (name, text, now),
    )


def settings(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT text FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Give an agent another name, wherever rows say it. What it was called in texts stays. Raises UsageError."""
    if db.execute("SELECT 1 FROM agents WHERE name = ?", (new,)).fetchone():
        raise UsageError(f"an agent is called {new!r} already", "choose another name; nothing was changed")
    db.execute("UPDATE agents SET name = ? WHERE name = ?", (new, old))
    db.execute("UPDATE agents SET template = ? WHERE template = ?", (new, old))
    db.execute("UPDATE settings SET name = ? WHERE name = ?", (new, old))


def retire(db: sqlite3.Connection, name: str, stamp: str) -> None:
    """Let an agent go: its rows stay, under a name nobody can have, and its own name is free."""
    db.execute(
        """UPDATE agents SET name = name || ?1, key = key || ?1, standing = 'stopped', note = 'removed'
           WHERE name = ?2""",
        (RETIRED + stamp, name),
    )
    db.execute("DELETE FROM settings WHERE name = ?", (name,))


def pupils(db: sqlite3.Connection, template: str) -> list[str]:
    """Names of those who live by the settings of `template`."""
    return [name for (name,) in db.execute("SELECT name FROM agents WHERE template = ? ORDER BY name", (template,))]
