"""The tables, as numbered migrations. A migration is a function of a connection and runs in one transaction.

This module does not know who reads or writes the rows. Columns named `label`, `arguments`, `attachments` and
`reasoning` hold JSON; times are wall seconds; an event's id is also the id of the turn it opens. A `hash` is that of
the row's texts as they were first written, `result_hash` that of a call's result.
"""

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x414E494D  # "ANIM": marks the file as ours


def _first(db: sqlite3.Connection) -> None:
    for statement in _FIRST:
        db.execute(statement)


_FIRST = (
    """CREATE TABLE agents (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, created REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE leases (
        agent INTEGER PRIMARY KEY REFERENCES agents, epoch INTEGER NOT NULL, owner TEXT NOT NULL, since REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY, agent INTEGER NOT NULL REFERENCES agents, conversation TEXT NOT NULL,
        number INTEGER NOT NULL, source TEXT NOT NULL, source_id TEXT, text TEXT NOT NULL, attachments TEXT,
        label TEXT NOT NULL, awaited INTEGER NOT NULL, state TEXT NOT NULL, time REAL NOT NULL, turn INTEGER,
        step INTEGER NOT NULL DEFAULT 1, attempts INTEGER NOT NULL DEFAULT 0, due REAL, error TEXT, hash BLOB NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX events_lane ON events (agent, conversation, number)",
    "CREATE UNIQUE INDEX events_source ON events (agent, source, source_id) WHERE source_id IS NOT NULL",
    """CREATE INDEX events_pending ON events (agent, conversation, number)
        WHERE state IN ('queued', 'running', 'waiting')""",
    "CREATE INDEX events_folded ON events (turn) WHERE step > 1",
    """CREATE TABLE turns (
        id INTEGER PRIMARY KEY REFERENCES events, agent INTEGER NOT NULL, conversation TEXT NOT NULL,
        state TEXT NOT NULL, opened REAL NOT NULL, closed REAL,
        notice TEXT NOT NULL DEFAULT '', limited TEXT, error TEXT
    ) STRICT""",
    """CREATE TABLE steps (
        turn INTEGER NOT NULL REFERENCES turns, n INTEGER NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
        text TEXT NOT NULL, reasoning TEXT, stop TEXT NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
        cached INTEGER NOT NULL, dollars REAL, context TEXT NOT NULL, recipe TEXT NOT NULL, time REAL NOT NULL,
        seconds REAL NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (turn, n)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE effects (
        turn INTEGER NOT NULL, step INTEGER NOT NULL, n INTEGER NOT NULL, key TEXT NOT NULL, call_id TEXT NOT NULL,
        tool TEXT NOT NULL, arguments TEXT NOT NULL, unparsed TEXT, class TEXT NOT NULL, decision TEXT NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL, begun REAL, finished REAL, seconds REAL NOT NULL,
        result TEXT, label TEXT, hash BLOB NOT NULL, result_hash BLOB NOT NULL,
        PRIMARY KEY (turn, step, n), FOREIGN KEY (turn, step) REFERENCES steps
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX effects_unknown ON effects (turn) WHERE state = 'unknown'",
    """CREATE TABLE outbox (
        turn INTEGER NOT NULL REFERENCES turns, n INTEGER NOT NULL, state TEXT NOT NULL, time REAL NOT NULL, sent REAL,
        PRIMARY KEY (turn, n)
    ) STRICT, WITHOUT ROWID""",
)


def _second(db: sqlite3.Connection) -> None:
    """A home of many agents: who may work, who sent an event, timers, and the settings that were last right."""
    for statement in _SECOND:
        db.execute(statement)


_SECOND = (
    "ALTER TABLE agents ADD COLUMN standing TEXT NOT NULL DEFAULT 'active'",
    "ALTER TABLE agents ADD COLUMN note TEXT",
    "ALTER TABLE agents ADD COLUMN template TEXT",
    "ALTER TABLE events ADD COLUMN origin TEXT",
    "ALTER TABLE events ADD COLUMN evidence TEXT",
    "CREATE INDEX agents_resting ON agents (name) WHERE standing != 'active'",
    "CREATE INDEX events_dead ON events (agent) WHERE state = 'dead'",
    """CREATE TABLE schedules (
        agent INTEGER PRIMARY KEY REFERENCES agents, every REAL NOT NULL, due REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE occurrences (
        agent INTEGER NOT NULL REFERENCES agents, due REAL NOT NULL, outcome TEXT NOT NULL, note TEXT NOT NULL,
        event INTEGER, PRIMARY KEY (agent, due)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, text TEXT NOT NULL, time REAL NOT NULL) STRICT, WITHOUT ROWID",
)

MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second)
"""Number n (from 1) brings a file of version n - 1 to version n."""
