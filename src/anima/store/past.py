"""The past of a conversation: its closed turns, and those of the conversation it was forked from.

Plain functions of a connection.
"""

import sqlite3

from anima.store import fork
from anima.store.rows import TURN, turn
from anima.vocabulary import Turn

_CLOSED = """FROM events e CROSS JOIN turns t ON t.id = e.id WHERE e.agent = ? AND e.conversation = ?
    AND e.number < ? AND e.turn = e.id AND t.state = 'closed'"""


def history(db: sqlite3.Connection, agent: int, conversation: str, before: int, limit: int) -> tuple[list[Turn], int]:
    """The last `limit` closed turns before event number `before`, oldest first; and how many there are in all."""
    (total,) = db.execute("SELECT count(*) " + _CLOSED, (agent, conversation, before)).fetchone()
    ids = db.execute(
        "SELECT e.id " + _CLOSED + " ORDER BY e.number DESC LIMIT ?", (agent, conversation, before, limit)
    ).fetchall()
    turns = [turn(db, db.execute(TURN + "WHERE t.id = ?", id).fetchone()) for id in reversed(ids)]
    if begun := fork.origin(db, conversation):
        earlier, more = history(db, agent, *begun, limit - len(turns))
        return earlier + turns, total + more
    return turns, total
