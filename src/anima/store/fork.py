"""Forks: a turn in a conversation of its own that shares another turn's beginning.

What the prefix did is copied, never done again. This module does not know how the fork goes on.
"""

import sqlite3

from anima.errors import NotFound, UsageError
from anima.store import journal
from anima.store.rows import number
from anima.vocabulary import Turn

PREFIX = "fork:"

_EVENTS = """INSERT INTO events
    (id, agent, conversation, number, source, text, attachments, label, awaited, state, time, turn, step, hash)
    SELECT ?, agent, ?, ?, 'cli', text, attachments, label, ?, 'held', ?, ?, step, hash FROM events WHERE id = ?"""
_TURN = """INSERT INTO turns (id, agent, conversation, state, opened)
    SELECT ?, agent, ?, 'open', ? FROM turns WHERE id = ?"""
_STEPS = """INSERT INTO steps SELECT ?, n, kind, model, text, reasoning, stop, input, output, cached, dollars, context,
    recipe, time, seconds, hash FROM steps WHERE turn = ? AND n < ?"""
_EFFECTS = """INSERT INTO effects SELECT ?, step, n, key, call_id, tool, arguments, unparsed, class, decision, state,
    attempts, begun, finished, seconds, result, label, hash, result_hash FROM effects WHERE turn = ? AND step < ?"""


def fork(db: sqlite3.Connection, id: str, at: int, now: float) -> Turn:
    """A turn like `id` up to its step `at`, which is to be thought anew; held until its owner starts it.

    Raises NotFound for an unknown turn, UsageError for a step it cannot be forked at.
    """
    origin = journal.find(db, id)
    if origin is None:
        raise NotFound(f"there is no turn {id!r}", "`anima turn list` shows all turns")
    before = [step for step in origin.steps if step.n < at]
    if not 1 <= at <= len(origin.steps) + 1 or not all(effect.ended for step in before for effect in step.effects):
        raise UsageError(f"{id} cannot be forked at step {at}", f"it has {len(origin.steps)} steps, from 1 on")
    conversation = _free(db, id)
    opener, *joined = (number(event.id) for event in origin.events if event.step <= at)
    (new,) = db.execute("SELECT max(id) + 1 FROM events").fetchone()
    db.execute(_EVENTS, (new, conversation, 1, 1, now, new, opener))
    db.execute(_TURN, (new, conversation, now, opener))
    for place, event in enumerate(joined, 1):
        db.execute(_EVENTS, (new + place, conversation, 1 + place, 0, now, new, event))
    db.execute(_STEPS, (new, opener, at))
    db.execute(_EFFECTS, (new, opener, at))
    return journal.under_way(db, f"t{new}")


def _free(db: sqlite3.Connection, id: str) -> str:
    """`fork:t17`, or `fork:t17.2` and so on where that turn was forked before."""
    (taken,) = db.execute(
        "SELECT count(DISTINCT conversation) FROM events WHERE conversation = ?1 OR conversation GLOB ?1 || '.*'",
        (PREFIX + id,),
    ).fetchone()
    return f"{PREFIX}{id}.{taken + 1}" if taken else PREFIX + id


def origin(db: sqlite3.Connection, conversation: str) -> tuple[str, int] | None:
    """Where a fork's history goes on: the forked turn's conversation, and the number of its event there."""
    if not conversation.startswith(PREFIX):
        return None
    forked = conversation.removeprefix(PREFIX).partition(".")[0]
    row = db.execute("SELECT conversation, number FROM events WHERE id = ?", (number(forked),)).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))
