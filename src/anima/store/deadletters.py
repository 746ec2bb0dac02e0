"""Dead letters: events set aside after repeated failure, with their evidence, until somebody requeues or drops them.

Plain functions of a connection, each one unit of a commit. They do not know why an event failed.
"""

import json
import sqlite3
from dataclasses import dataclass

from anima.errors import NotFound, UsageError
from anima.store.rows import EVENT, event, number
from anima.vocabulary import Event, EventState


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event and how its last attempt ended: at which step, and the hash of what the model was shown there."""

    event: Event
    step: int | None
    context: str | None


def dead_letters(db: sqlite3.Connection, agent: str | None, limit: int) -> list[DeadLetter]:
    """The last ones, newest first, of one agent or of all; events that joined a turn are told of by its opener."""
    rows = db.execute(
        EVENT + "WHERE e.state = 'dead' AND e.step = 1 AND (?1 IS NULL OR a.name = ?1) ORDER BY e.id DESC LIMIT ?2",
        (agent, limit),
    ).fetchall()
    return [_with_evidence(db, event(row)) for row in rows]


def dead_letter(db: sqlite3.Connection, id: str) -> DeadLetter:
    """The dead letter `e17`. Raises NotFound, UsageError."""
    row = db.execute(EVENT + "WHERE e.id = ?", (number(id),)).fetchone()
    found = None if row is None else event(row)
    if found is None:
        raise NotFound(f"there is no event {id!r}", "`anima deadletter list` shows all dead letters")
    if found.state != EventState.DEAD or found.step > 1:
        told = f"{found.id} joined turn {found.turn}" if found.step > 1 else f"{found.id} is {found.state}, not dead"
        raise UsageError(told, "`anima deadletter list` shows all dead letters")
    return _with_evidence(db, found)


def requeue(db: sqlite3.Connection, id: str) -> DeadLetter:
    """Let a dead letter be tried again from where its turn stands, with all its attempts before it."""
    found = dead_letter(db, id)
    place = number(id)
    db.execute("UPDATE events SET state = 'queued', attempts = 0, due = NULL WHERE id = ?", (place,))
    db.execute("UPDATE events SET state = 'running' WHERE turn = ? AND step > 1 AND state = 'dead'", (place,))
    db.execute("UPDATE turns SET state = 'open', closed = NULL, error = NULL WHERE id = ?", (place,))
    return found


def drop(db: sqlite3.Connection, id: str) -> DeadLetter:
    """Give a dead letter up."""
    found = dead_letter(db, id)
    place = number(id)
    db.execute(
        "UPDATE events SET state = 'dropped' WHERE id = ?1 OR (turn = ?1 AND step > 1 AND state = 'dead')", (place,)
    )
    return found


def _with_evidence(db: sqlite3.Connection, dead: Event) -> DeadLetter:
    (evidence,) = db.execute("SELECT evidence FROM events WHERE id = ?", (number(dead.id),)).fetchone()
    step, context = json.loads(evidence) if evidence else (None, None)
    return DeadLetter(dead, step, context)
