"""Pending work that is held: after a restore or an import nothing starts by itself, so that nothing is repeated.

What was accepted, begun or waiting to be delivered when the copy was made may have happened since. Plain functions of
a connection, each one unit of a commit.
"""

import sqlite3
from dataclasses import dataclass

from anima.errors import NotFound, UsageError
from anima.store.rows import EVENT, digest, event, number
from anima.vocabulary import OWNER, Event, EventState

UNKNOWN = (
    "The outcome of this call is unknown: it ran when a copy of this home was made, and this is the copy. It may have "
    "happened, wholly or in part."
)


@dataclass(frozen=True, slots=True)
class Held:
    """What does not go on by itself: events, replies not handed over, calls (`t17.1.1`) whose end nobody knows."""

    events: int
    replies: int
    unknown: tuple[str, ...]


def hold(db: sqlite3.Connection, now: float, agent: int | None = None) -> Held:
    """Hold everything pending, of one agent or of all; a call of class `once` that had begun becomes unknown."""
    begun = db.execute(
        """SELECT x.turn, x.step, x.n FROM effects x JOIN turns t ON t.id = x.turn
           WHERE x.class = 'once' AND x.begun IS NOT NULL AND x.state IN ('intended', 'waiting')
           AND (?1 IS NULL OR t.agent = ?1) ORDER BY x.turn, x.step, x.n""",
        (agent,),
    ).fetchall()
    label = OWNER.dump()
    db.executemany(
        """UPDATE effects SET state = 'unknown', finished = ?, result = ?, label = ?, result_hash = ?
           WHERE turn = ? AND step = ? AND n = ?""",
        [(now, UNKNOWN, label, digest(UNKNOWN, label), *place) for place in begun],
    )
    events = db.execute(
        """UPDATE events SET state = 'held'
           WHERE state IN ('queued', 'running', 'waiting') AND (?1 IS NULL OR agent = ?1)""",
        (agent,),
    ).rowcount
    replies = db.execute(
        """UPDATE outbox SET state = 'held'
           WHERE state = 'queued' AND (?1 IS NULL OR turn IN (SELECT id FROM turns WHERE agent = ?1))""",
        (agent,),
    ).rowcount
    return Held(events, replies, tuple(f"t{turn}.{step}.{n}" for turn, step, n in begun))


def release(db: sqlite3.Connection, id: str) -> None:
    """Let event `e17` go on, with those that joined its turn; or the held reply to it. Raises NotFound, UsageError."""
    place = number(id)
    row = db.execute("SELECT state, turn, step FROM events WHERE id = ?", (place,)).fetchone()
    if row is None:
        raise NotFound(f"there is no event {id!r}", "`anima event list --state held` shows what is held")
    state, turn, step = row
    if state == EventState.HELD and step > 1:
        raise UsageError(f"{id} joined turn t{turn}", f"release e{turn}, which opened it")
    if state == EventState.HELD:
        db.execute("UPDATE events SET state = 'queued', due = NULL WHERE id = ?", (place,))
        db.execute("UPDATE events SET state = 'running' WHERE turn = ? AND step > 1 AND state = 'held'", (place,))
        return
    if db.execute("UPDATE outbox SET state = 'queued' WHERE turn = ? AND state = 'held'", (place,)).rowcount == 0:
        raise UsageError(f"{id} is {state}, not held", "`anima event list --state held` shows what is held")


def held(db: sqlite3.Connection) -> list[str]:
    """Ids of the events that `release` takes: held ones that opened a turn or will, and those with a held reply."""
    rows = db.execute(
        """SELECT id FROM events WHERE (state = 'held' AND step = 1)
           OR id IN (SELECT turn FROM outbox WHERE state = 'held') ORDER BY id"""
    )
    return [f"e{id}" for (id,) in rows]


def events(db: sqlite3.Connection, agent: str | None, state: str | None, limit: int) -> list[Event]:
    """The last events, newest first, of one agent or of all, in one state or in any."""
    rows = db.execute(
        EVENT + "WHERE (?1 IS NULL OR a.name = ?1) AND (?2 IS NULL OR e.state = ?2) ORDER BY e.id DESC LIMIT ?3",
        (agent, state, limit),
    )
    return [event(row) for row in rows]


def replies(db: sqlite3.Connection) -> list[str]:
    """Ids of the events whose reply is held."""
    return [f"e{turn}" for (turn,) in db.execute("SELECT turn FROM outbox WHERE state = 'held' ORDER BY turn")]
