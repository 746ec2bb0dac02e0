"""The mailbox: events come in, wait in the lane of their conversation, are claimed, and end.

Plain functions of a connection, each one unit of a commit. They do not know what a turn does with an event.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from anima.errors import DuplicateEvent
from anima.store.rows import EVENT, digest, event, number, pack
from anima.vocabulary import COMPACT, NEW, Attachment, Event, EventState, NewEvent

PENDING = "state IN ('queued', 'running', 'waiting')"


@dataclass(frozen=True, slots=True)
class Posted:
    """An event that is on disk. `duplicate`: it was there before. `claimed`: it has begun its turn."""

    event: Event
    duplicate: bool = False
    claimed: bool = False


def post(db: sqlite3.Connection, agent: int, new: NewEvent, now: float, claim: bool) -> Posted:
    """Keep an event; `claim` opens its turn at once where its lane is idle.

    Raises DuplicateEvent when its source id came before with another text.
    """
    if new.source_id is not None:
        known = db.execute(
            EVENT + "WHERE e.agent = ? AND e.source = ? AND e.source_id = ?", (agent, new.source, new.source_id)
        ).fetchone()
        if known:
            return Posted(_same(event(known), new), duplicate=True)
    id, place, busy = db.execute(
        """SELECT (SELECT coalesce(max(id), 0) + 1 FROM events),
           (SELECT coalesce(max(number), 0) + 1 FROM events WHERE agent = ?1 AND conversation = ?2),
           EXISTS (SELECT 1 FROM events WHERE agent = ?1 AND conversation = ?2
                   AND state IN ('queued', 'running', 'waiting'))""",
        (agent, new.conversation),
    ).fetchone()
    claimed = claim and not busy
    state = EventState.RUNNING if claimed else EventState.QUEUED
    kept = Event(
        f"e{id}",
        new.agent,
        new.conversation,
        place,
        new.source,
        new.text,
        new.label,
        state,
        now,
        new.attachments,
        new.awaited,
        f"t{id}" if claimed else None,
        attempts=int(claimed),
        origin=new.origin,
    )
    _insert(db, id, agent, kept, new.source_id)
    return Posted(kept, claimed=claimed)


def _insert(db: sqlite3.Connection, id: int, agent: int, kept: Event, source_id: str | None) -> None:
    files, label = _files(kept.attachments), kept.label.dump()
    db.execute(
        """INSERT INTO events (id, agent, conversation, number, source, source_id, text, attachments, label, awaited,
           state, time, turn, attempts, origin, hash)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            id,
            agent,
            kept.conversation,
            kept.number,
            kept.source,
            source_id,
            kept.text,
            files,
            label,
            kept.awaited,
            kept.state,
            kept.time,
            id if kept.turn else None,
            kept.attempts,
            pack([kept.origin.chain, kept.origin.effect]) if kept.origin else None,
            digest(kept.text, files, label),
        ),
    )


def _files(attachments: tuple[Attachment, ...]) -> str | None:
    return pack([[file.name, file.mime, file.size, file.hash] for file in attachments]) if attachments else None


def _same(known: Event, new: NewEvent) -> Event:
    if (known.text, known.conversation) != (new.text, new.conversation):
        raise DuplicateEvent(
            f"id {new.source_id!r} was used before for another text or conversation",
            "use a fresh id for a new message",
            event=known.id,
        )
    return known


def claim(
    db: sqlite3.Connection, agent: int, conversation: str, now: float, waited: Sequence[int] = ()
) -> Event | None:
    """Open the turn of the lane's next due event, if the lane is idle; None when there is nothing to do now.

    The events numbered in `waited` are due, whatever the clock says.

    A turn that is under way (its process died, or it was put off) is found again by this too.
    """
    row = db.execute(
        """SELECT id FROM events WHERE agent = ?1 AND conversation = ?2 AND state = 'queued'
           AND (coalesce(due, 0) <= ?3 OR id IN (SELECT value FROM json_each(?4)))
           AND NOT EXISTS (SELECT 1 FROM events WHERE agent = ?1 AND conversation = ?2
                           AND state IN ('running', 'waiting') AND step = 1)
           ORDER BY number LIMIT 1""",
        (agent, conversation, now, pack(list(waited))),
    ).fetchone()
    return None if row is None else begin(db, row[0])


def begin(db: sqlite3.Connection, id: int) -> Event:
    """Count one more attempt of event `id` and let it run; its turn bears its number."""
    db.execute(
        "UPDATE events SET state = 'running', turn = id, due = NULL, attempts = attempts + 1 WHERE id = ?", (id,)
    )
    return event(db.execute(EVENT + "WHERE e.id = ?", (id,)).fetchone())


def give_back(db: sqlite3.Connection, id: int) -> None:
    """Uncount the attempt of a running event whose process leaves in good order: that is nobody's failure."""
    db.execute("UPDATE events SET attempts = attempts - 1 WHERE id = ? AND state = 'running' AND attempts > 0", (id,))


def arrived(db: sqlite3.Connection, turn: int) -> tuple[Event, ...]:
    """Events that came into the lane of `turn` since it opened and may be folded into it, in order.

    An order (`/new`) has a turn of its own, and so has what came after it.
    """
    rows = db.execute(
        EVENT
        + """JOIN events o ON o.id = ? WHERE e.agent = o.agent AND e.conversation = o.conversation
             AND e.number > o.number AND e.state = 'queued' AND e.awaited = 0 AND e.turn IS NULL ORDER BY e.number""",
        (turn,),
    )
    return tuple(takewhile(lambda event: event.text not in (NEW, COMPACT), map(event, rows)))


def pending(db: sqlite3.Connection, agent: int) -> list[tuple[str, bool, float]]:
    """Lanes with work: conversation, whether a turn is under way there, and when an event is due; each time once."""
    rows = db.execute(
        """SELECT conversation, max(state != 'queued'), coalesce(due, 0) AS at FROM events
           WHERE agent = ? AND state IN ('queued', 'running', 'waiting') GROUP BY conversation, at""",
        (agent,),
    )
    return [(conversation, bool(open), due) for conversation, open, due in rows]


def put_off_until(db: sqlite3.Connection, agent: int) -> list[tuple[int, float]]:
    """The numbers of the agent's events that were put off, and when each is due."""
    return db.execute(
        "SELECT id, due FROM events WHERE agent = ? AND state = 'queued' AND due > 0", (agent,)
    ).fetchall()


def under_way(db: sqlite3.Connection, agent: int, conversation: str) -> Event | None:
    """The event whose turn is under way in this lane, or None."""
    row = db.execute(
        EVENT + "WHERE e.agent = ? AND e.conversation = ? AND e.state IN ('running', 'waiting') AND e.turn = e.id",
        (agent, conversation),
    ).fetchone()
    return None if row is None else event(row)


def unfinished(db: sqlite3.Connection, agent: int, conversation: str, source: str) -> Event | None:
    """The oldest event that `source` posted here and that is accepted and not ended, or None."""
    row = db.execute(
        EVENT
        + """WHERE e.agent = ? AND e.conversation = ? AND e.source = ?
             AND e.state IN ('queued', 'running', 'waiting', 'held') ORDER BY e.number LIMIT 1""",
        (agent, conversation, source),
    ).fetchone()
    return None if row is None else event(row)


def put_off(db: sqlite3.Connection, id: int, due: float, error: str, counted: bool) -> None:
    """Back into its lane until `due`; the turn, if it has rows, stays open. An attempt not counted is given back."""
    db.execute(
        "UPDATE events SET state = 'queued', due = ?, error = ?, attempts = attempts - ? WHERE id = ?",
        (due, error, int(not counted), id),
    )


def find(db: sqlite3.Connection, id: str) -> Event | None:
    """Event `e17`, or None."""
    row = db.execute(EVENT + "WHERE e.id = ?", (number(id),)).fetchone()
    return None if row is None else event(row)
