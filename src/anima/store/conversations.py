"""Conversations as they stand on disk: which there are, their turns, and where words were said in them.

Plain functions of a connection that only read. Nothing is indexed for it: a search looks at every text once.
"""

import sqlite3
from dataclasses import dataclass

from anima.store.rows import EVENT, TURN, event, turn
from anima.vocabulary import Event, Turn

_LIST = """SELECT a.name, e.conversation, count(DISTINCT t.id), count(DISTINCT e.id), min(e.time), max(e.time)
    FROM events e JOIN agents a ON a.id = e.agent LEFT JOIN turns t ON t.id = e.id
    WHERE ?1 IS NULL OR a.name = ?1 GROUP BY e.agent, e.conversation ORDER BY max(e.id) DESC"""
_TURNS = TURN + "WHERE a.name = ?1 AND t.conversation = ?2 ORDER BY t.id DESC LIMIT ?3"
_EVERYBODY = "SELECT e.id FROM agents a CROSS JOIN events e ON e.agent = a.id AND e.conversation = ? "  # by their lanes
_SEARCH = """SELECT agent, conversation, turn, role, text, time FROM (
        SELECT a.name AS agent, e.conversation, e.turn, 'user' AS role, e.text, e.time, e.id, 0 AS step FROM events e
        JOIN agents a ON a.id = e.agent WHERE e.text LIKE ?1 ESCAPE '\\'
        UNION ALL SELECT a.name, t.conversation, t.id, iif(s.kind = 'think', 'assistant', s.kind), s.text, s.time, t.id,
        s.n FROM steps s JOIN turns t ON t.id = s.turn JOIN agents a ON a.id = t.agent WHERE s.text LIKE ?1 ESCAPE '\\'
        UNION ALL SELECT a.name, t.conversation, t.id, 'tool', x.result, x.finished, t.id, x.step FROM effects x
        JOIN turns t ON t.id = x.turn JOIN agents a ON a.id = t.agent WHERE x.result LIKE ?1 ESCAPE '\\'
    ) WHERE (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR conversation = ?3) ORDER BY id DESC, step DESC LIMIT ?4"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One lasting exchange: how many turns and events it has, when it began and when something came last."""

    agent: str
    name: str
    turns: int
    events: int
    began: float
    last: float


@dataclass(frozen=True, slots=True)
class Found:
    """A text in which the words stand; `role` is who said it: user, assistant, tool, summary."""

    agent: str
    conversation: str
    turn: str | None
    role: str
    text: str
    time: float | None


def conversations(db: sqlite3.Connection, agent: str | None) -> list[Conversation]:
    """All of one agent's conversations, or of all agents; the one something came to last is first."""
    return [Conversation(*row) for row in db.execute(_LIST, (agent,))]


def turns(db: sqlite3.Connection, agent: str, conversation: str, limit: int) -> list[Turn]:
    """The last `limit` turns of a conversation, however they ended, oldest first."""
    rows = db.execute(_TURNS, (agent, conversation, limit)).fetchall()
    return [turn(db, row) for row in reversed(rows)]


def replies(db: sqlite3.Connection, conversation: str) -> list[Turn]:
    """The closed turns of everybody's conversation of this name whose reply was not handed over, oldest first."""
    ids = db.execute(
        _EVERYBODY + "CROSS JOIN outbox o ON o.turn = e.id WHERE o.state = 'queued' ORDER BY e.id", (conversation,)
    )
    return [turn(db, db.execute(TURN + "WHERE t.id = ?", id).fetchone()) for id in ids.fetchall()]


def unanswered(db: sqlite3.Connection, conversation: str) -> list[Event]:
    """What has come in everybody's conversation of this name and is not answered yet, oldest first."""
    ids = db.execute(_EVERYBODY + "WHERE e.state IN ('queued', 'running', 'waiting') ORDER BY e.id", (conversation,))
    return [event(db.execute(EVENT + "WHERE e.id = ?", id).fetchone()) for id in ids.fetchall()]


def search(db: sqlite3.Connection, words: str, agent: str | None, conversation: str | None, limit: int) -> list[Found]:
    """The newest texts in which `words` stand just so; capitals make no difference in ASCII."""
    literal = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = db.execute(_SEARCH, (f"%{literal}%", agent, conversation, limit))
    return [
        Found(who, where, None if turn is None else f"t{turn}", role, text, time)
        for who, where, turn, role, text, time in rows
    ]
