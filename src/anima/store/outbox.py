"""The outbox: replies on disk, waiting to be handed over.

Plain functions of a connection. They do not know how a reply reaches anybody.
"""

import sqlite3

from anima.store.rows import TURN, number, turn
from anima.vocabulary import Turn


def sent(db: sqlite3.Connection, id: str, now: float) -> None:
    """Note that the reply of turn `id` was handed over; noted once, the first time holds."""
    db.execute(
        "UPDATE outbox SET state = 'sent', sent = ? WHERE turn = ? AND n = 0 AND state = 'queued'", (now, number(id))
    )


def unprinted(db: sqlite3.Connection, agent: int, conversation: str, source: str) -> Turn | None:
    """The last closed turn of a conversation that `source` asked for and whose reply was not handed over, or None."""
    row = db.execute(
        TURN
        + """JOIN events e ON e.id = t.id WHERE e.agent = ? AND e.conversation = ? AND e.source = ?
             AND o.state = 'queued' ORDER BY e.number DESC LIMIT 1""",
        (agent, conversation, source),
    ).fetchone()
    return None if row is None else turn(db, row)
