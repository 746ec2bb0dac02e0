"""One agent's rows as JSON lines, and back: new ids, everything else as it was.

A line is a row, its keys the columns; columns that hold JSON are JSON. The format is described in
docs/reference/export-format.md and has a version of its own. This module knows nothing of pages or of attachments'
bytes.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, get_args

from anima.errors import NotFound, StoreForeign
from anima.store.residents import Standing
from anima.store.rows import EVENT, TURN, event, hashes, pack, turn
from anima.vocabulary import EffectClass, StepKind, Stop

Row = dict[str, Any]

JSON = frozenset({"attachments", "label", "reasoning", "arguments", "origin", "evidence"})
_HASH = re.compile(r"[0-9a-f]{64}")
_FORK = re.compile(r"(fork:t)([0-9]{1,18})((?:\..*)?)", re.DOTALL)
"""A conversation that bears the id of the turn it was forked from."""

_READ = {
    "events": """SELECT id, conversation, number, source, source_id, text, attachments, label, awaited, state, time,
        turn, step, attempts, due, error, origin, evidence FROM events WHERE agent = ? ORDER BY id""",
    "turns": """SELECT id, conversation, state, opened, closed, notice, limited, error FROM turns WHERE agent = ?
        ORDER BY id""",
    "steps": """SELECT s.turn, s.n, s.kind, s.model, s.text, s.reasoning, s.stop, s.input, s.output, s.cached,
        s.dollars, s.context, s.recipe, s.time, s.seconds FROM steps s JOIN turns t ON t.id = s.turn WHERE t.agent = ?
        ORDER BY s.turn, s.n""",
    "effects": """SELECT x.turn, x.step, x.n, x.key, x.call_id, x.tool, x.arguments, x.unparsed, x.class, x.decision,
        x.state, x.attempts, x.begun, x.finished, x.seconds, x.result, x.label FROM effects x
        JOIN turns t ON t.id = x.turn WHERE t.agent = ? ORDER BY x.turn, x.step, x.n""",
    "replies": """SELECT o.turn, o.n, o.state, o.time, o.sent FROM outbox o JOIN turns t ON t.id = o.turn
        WHERE t.agent = ? ORDER BY o.turn, o.n""",
}
_WRITE = {
    "events": """INSERT INTO events (id, agent, conversation, number, source, source_id, text, attachments, label,
        awaited, state, time, turn, step, attempts, due, error, origin, evidence, hash) VALUES (:id, :agent,
        :conversation, :number, :source, :source_id, :text, :attachments, :label, :awaited, :state, :time, :turn,
        :step, :attempts, :due, :error, :origin, :evidence, :hash)""",
    "turns": """INSERT INTO turns (id, agent, conversation, state, opened, closed, notice, limited, error)
        VALUES (:id, :agent, :conversation, :state, :opened, :closed, :notice, :limited, :error)""",
    "steps": """INSERT INTO steps (turn, n, kind, model, text, reasoning, stop, input, output, cached, dollars, context,
        recipe, time, seconds, hash) VALUES (:turn, :n, :kind, :model, :text, :reasoning, :stop, :input, :output,
        :cached, :dollars, :context, :recipe, :time, :seconds, :hash)""",
    "effects": """INSERT INTO effects (turn, step, n, key, call_id, tool, arguments, unparsed, class, decision, state,
        attempts, begun, finished, seconds, result, label, hash, result_hash) VALUES (:turn, :step, :n, :key, :call_id,
        :tool, :arguments, :unparsed, :class, :decision, :state, :attempts, :begun, :finished, :seconds, :result,
        :label, :hash, :result_hash)""",
    "replies": "INSERT INTO outbox (turn, n, state, time, sent) VALUES (:turn, :n, :state, :time, :sent)",
}
TABLES = tuple(_READ)
_ONE_OF: Mapping[tuple[str, str], frozenset[str]] = {
    ("steps", "kind"): frozenset(get_args(StepKind)),
    ("steps", "stop"): frozenset(get_args(Stop)),
    ("effects", "class"): frozenset(get_args(EffectClass)),
    ("replies", "state"): frozenset({"queued", "held", "sent"}),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an agent is in a store: its name, its stable key, when it came (wall seconds), whether it may work.

    `note` says why it does not, `template` whose settings it shares.
    """

    name: str
    key: str
    created: float
    standing: str = Standing.ACTIVE
    note: str | None = None
    template: str | None = None


def find(db: sqlite3.Connection, name: str) -> tuple[int, Identity]:
    """The row of an agent. Raises NotFound."""
    row = db.execute(
        "SELECT id, name, key, created, standing, note, template FROM agents WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no agent is called {name!r} here", "`anima store stats` names those that are")
    id, *who = row
    return int(id), Identity(*who)


def known(db: sqlite3.Connection, name: str, key: str) -> tuple[bool, str | None]:
    """Whether the name is taken, and the name of the agent that has this key, or None."""
    taken = db.execute("SELECT 1 FROM agents WHERE name = ?", (name,)).fetchone() is not None
    row = db.execute("SELECT name FROM agents WHERE key = ?", (key,)).fetchone()
    return taken, None if row is None else str(row[0])


def write_rows(db: sqlite3.Connection, agent: int, folder: Path) -> set[str]:
    """Write `events.jsonl` and the others into `folder`; returns the hashes of the attachments they name.

    Raises StoreDamaged for a text that is not the one that was written.
    """
    _read_back(db, agent)
    attached: set[str] = set()
    for table, select in _READ.items():
        found = db.execute(select, (agent,))
        names = [column[0] for column in found.description]
        with (folder / f"{table}.jsonl").open("w", encoding="utf-8") as lines:
            for values in found:
                row = {name: _unpacked(name, value) for name, value in zip(names, values, strict=True)}
                attached |= {file[3] for file in row.get("attachments") or ()}
                lines.write(pack(row) + "\n")
    return attached


def _unpacked(name: str, value: Any) -> Any:
    return json.loads(value) if name in JSON and value is not None else value


def bring_in(db: sqlite3.Connection, who: Identity, folder: Path, files: set[str]) -> int:
    """Insert an agent and the rows of `folder`; returns its row. `files` are the attachments that came with it.

    Raises StoreForeign, naming the file and line, for a row that is not right; the caller's transaction is undone.
    """
    agent = db.execute(
        """INSERT INTO agents (name, key, created, standing, note, template) VALUES (?, ?, ?, ?, ?, ?) RETURNING id""",
        astuple(who),
    ).fetchone()[0]
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    ids: dict[int, int] = {}
    for place, row in _lines(folder, "events"):
        with _right(place):
            ids[row["id"]] = last + len(ids) + 1
    for table in TABLES:
        for place, row in _lines(folder, table):
            with _right(place):
                db.execute(_WRITE[table], _moved(table, row, ids, files) | {"agent": agent})
    with _right("the export as a whole"):
        _read_back(db, agent)
    return int(agent)


def _moved(table: str, row: Row, ids: Mapping[int, int], files: set[str]) -> Row:
    """A row as it is in this store: under its new ids, JSON packed. Raises ValueError and its like.

    A call of another agent that waited for this one stayed where it was: nobody waits here.
    """
    if row.get("origin") is not None:
        chain, _ = row["origin"]
        row = {**row, "origin": [list(chain), None]}
    moved = {name: pack(value) if name in JSON and value is not None else value for name, value in row.items()}
    for name in {"id", "turn"} & row.keys():
        moved[name] = None if row[name] is None and name == "turn" else ids[row[name]]
    if forked := _FORK.fullmatch(str(row.get("conversation"))):
        moved["conversation"] = f"{forked[1]}{ids.get(int(forked[2]), int(forked[2]))}{forked[3]}"
    for (place, name), words in _ONE_OF.items():
        if place == table and row[name] not in words:
            raise ValueError(f"{name} is {row[name]!r}")
    for _, _, _, hash in row.get("attachments") or ():
        if not _HASH.fullmatch(hash) or hash not in files:
            raise ValueError(f"attachment {hash!r} did not come with it")
    return moved | hashes(table, moved)


def _lines(folder: Path, table: str) -> Iterator[tuple[str, Row]]:
    path = folder / f"{table}.jsonl"
    if not path.exists():
        raise StoreForeign(f"the export has no {path.name}", "nothing was changed")
    with path.open(encoding="utf-8", newline="\n") as lines:
        for n, line in enumerate(lines, 1):
            place = f"{path.name}, line {n}"
            with _right(place):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise TypeError("not an object")
            yield place, row


def _read_back(db: sqlite3.Connection, agent: int) -> None:
    """Read every row as the program will: what it cannot read is refused now."""
    for row in db.execute(EVENT + "WHERE e.agent = ?", (agent,)):
        event(row)
    for row in db.execute(TURN + "WHERE t.agent = ?", (agent,)):
        turn(db, row)


@contextmanager
def _right(place: str) -> Iterator[None]:
    """Whatever a wrong row raises, in our words; an error of the disk is passed on."""
    wrong = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
    try:
        yield
    except (*wrong, sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise StoreForeign(f"{place}: not a row of an agent ({error})", "nothing was changed") from error
