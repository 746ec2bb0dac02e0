"""Timers: when each is due next, and what became of every time it was.

This module does not know who sets a timer, or what an agent does when it goes off.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from anima.clock import Clock
from anima.store.sqlite import Engine

Outcome = Literal["ran", "late", "skipped"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time a timer was due: what became of it, the event it posted, and why it did not or was late."""

    agent: str
    due: float
    outcome: Outcome
    note: str = ""
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A timer: how many seconds lie between two of its times, and when it is due next (wall seconds)."""

    agent: str
    every: float
    due: float


class Timers:
    """The timers of an open store, one for each agent that has one."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def schedule(self, agent: str, every: float) -> float:
        """When the agent's timer is due next; a new one, or one with another interval, in `every` seconds."""
        return await self._engine.write(schedule, agent, every, self._clock.now())

    async def unschedule(self, agent: str) -> None:
        """The agent has no timer any more."""
        await self._engine.write(unschedule, agent)

    async def hindrance(self, agent: str, source_id: str) -> str:
        """Why a timer's event would not be welcome now, empty where it is; its own (by `source_id`) hinders nobody."""
        return await self._engine.read(hindrance, agent, source_id)

    async def occurred(self, occurrence: Occurrence, following: float) -> None:
        """Note what became of a time, and when the next one is."""
        await self._engine.write(occurred, occurrence, following)


def schedule(db: sqlite3.Connection, agent: str, every: float, now: float) -> float:
    db.execute(
        """INSERT INTO schedules (agent, every, due) SELECT id, ?2, ?3 FROM agents WHERE name = ?1
           ON CONFLICT DO UPDATE SET due = iif(every = ?2, due, min(due, ?3)), every = ?2""",
        (agent, every, now + every),
    )
    row = db.execute(
        "SELECT due FROM schedules WHERE agent = (SELECT id FROM agents WHERE name = ?)", (agent,)
    ).fetchone()
    return float(row[0]) if row else now + every


def unschedule(db: sqlite3.Connection, agent: str) -> None:
    """Take a timer away; what it did stays."""
    db.execute("DELETE FROM schedules WHERE agent = (SELECT id FROM agents WHERE name = ?)", (agent,))


def hindrance(db: sqlite3.Connection, agent: str, source_id: str) -> str:
    (standing,) = db.execute("SELECT coalesce(max(standing), 'active') FROM agents WHERE name = ?", (agent,)).fetchone()
    if standing != "active":
        return str(standing)
    (busy,) = db.execute(
        """SELECT EXISTS (SELECT 1 FROM events WHERE agent = (SELECT id FROM agents WHERE name = ?1)
           AND state IN ('queued', 'running', 'waiting') AND NOT (source = 'timer' AND source_id IS ?2))""",
        (agent, source_id),
    ).fetchone()
    return "busy" if busy else ""


def occurred(db: sqlite3.Connection, occurrence: Occurrence, following: float) -> None:
    """Both at once: a time that is noted is never due again."""
    event = None if occurrence.event is None else int(occurrence.event[1:])
    db.execute(
        """INSERT INTO occurrences (agent, due, outcome, note, event) SELECT id, ?2, ?3, ?4, ?5 FROM agents
           WHERE name = ?1 ON CONFLICT DO NOTHING""",
        (occurrence.agent, occurrence.due, occurrence.outcome, occurrence.note, event),
    )
    db.execute(
        "UPDATE schedules SET due = ?2 WHERE agent = (SELECT id FROM agents WHERE name = ?1)",
        (occurrence.agent, following),
    )


def scheduled(db: sqlite3.Connection) -> list[Scheduled]:
    """All timers, the one that is due first before the others."""
    rows = db.execute("SELECT a.name, s.every, s.due FROM schedules s JOIN agents a ON a.id = s.agent ORDER BY s.due")
    return [Scheduled(*row) for row in rows]


def occurrences(db: sqlite3.Connection, agent: str | None, limit: int) -> list[Occurrence]:
    """The last `limit` times, newest first."""
    rows = db.execute(
        """SELECT a.name, o.due, o.outcome, o.note, o.event FROM occurrences o JOIN agents a ON a.id = o.agent
           WHERE ?1 IS NULL OR a.name = ?1 ORDER BY o.due DESC LIMIT ?2""",
        (agent, limit),
    )
    return [
        Occurrence(name, due, how, note, None if event is None else f"e{event}") for name, due, how, note, event in rows
    ]
