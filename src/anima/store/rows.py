"""Between rows and values: how events, turns, steps and effects are read from their tables.

This module does not decide anything; it only knows which column is which field.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, cast

from anima.errors import StoreDamaged
from anima.vocabulary import (
    Attachment,
    Effect,
    EffectState,
    Event,
    EventState,
    Label,
    Origin,
    Reasoning,
    Step,
    StepKind,
    Stop,
    Turn,
    TurnState,
    Usage,
)

Row = tuple[Any, ...]


def number(id: str) -> int:
    """`e17` or `t17` -> 17; -1 for what cannot be an id, so that a look-up finds nothing."""
    digits = id[1:].partition(".")[0]
    return int(digits) if id[:1] in ("e", "t") and digits.isdecimal() and len(digits) < 19 else -1


pack = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""JSON as stored: compact, readable in any tool."""


def digest(*texts: str | None) -> bytes:
    """A short hash of what a row says, to tell a text that was changed on disk from the one that was written."""
    return hashlib.blake2b("\0".join([text or "" for text in texts]).encode(), digest_size=8).digest()


HASHED: dict[str, dict[str, tuple[str, ...]]] = {
    "events": {"hash": ("text", "attachments", "label")},
    "steps": {"hash": ("n", "text", "reasoning", "model", "context", "recipe", "kind", "stop")},
    "effects": {
        "hash": ("step", "n", "tool", "arguments", "unparsed", "key", "call_id", "class"),
        "result_hash": ("result", "label"),
    },
}
"""Which columns each hash of a table's rows is of."""


def hashes(table: str, row: Mapping[str, Any]) -> dict[str, bytes]:
    """The hashes that a row with these columns carries."""
    said = {column: str(value) if column in ("step", "n") else value for column, value in row.items()}
    return {name: digest(*(said[column] for column in of)) for name, of in HASHED.get(table, {}).items()}


def _verify(place: str, hash: bytes, *texts: str | None) -> None:
    if digest(*texts) != hash:
        raise StoreDamaged(f"{place} is not what was written: it was changed on disk")


EVENT = """SELECT e.id, a.name, e.conversation, e.number, e.source, e.text, e.label, e.state, e.time, e.attachments,
    e.awaited, e.turn, e.step, e.attempts, e.error, e.origin, e.hash FROM events e JOIN agents a ON a.id = e.agent """

TURN = """SELECT t.id, a.name, t.conversation, t.state, t.opened, t.closed, t.notice, t.limited, t.error, o.sent
    FROM turns t JOIN agents a ON a.id = t.agent LEFT JOIN outbox o ON o.turn = t.id AND o.n = 0 """


def event(row: Row) -> Event:
    id, agent, conversation, place, source, text, label, state, time, files, awaited, turn, step, *more = row
    tries, error, origin, hash = more
    _verify(f"event e{id}", hash, text, files, label)
    return Event(
        f"e{id}",
        agent,
        conversation,
        place,
        source,
        text,
        Label.load(label),
        EventState(state),
        time,
        tuple(Attachment(*item) for item in json.loads(files)) if files else (),
        bool(awaited),
        None if turn is None else f"t{turn}",
        step,
        tries,
        error,
        _origin(origin),
    )


def _origin(text: str | None) -> Origin | None:
    if text is None:
        return None
    chain, effect = json.loads(text)
    return Origin(tuple(chain), effect)


def turn(db: sqlite3.Connection, row: Row) -> Turn:
    """A whole turn from its row: its events, steps and effects are read too."""
    id, agent, conversation, state, opened, closed, notice, limit, error, printed = row
    return Turn(
        f"t{id}",
        agent,
        conversation,
        TurnState(state),
        events_of(db, id),
        opened,
        _steps(db, id),
        closed,
        notice,
        limit,
        error,
        printed,
    )


def headline(row: Row) -> Turn:
    """A turn from its row alone, for lists."""
    id, agent, conversation, state, opened, closed, notice, limit, error, printed = row
    return Turn(f"t{id}", agent, conversation, TurnState(state), (), opened, (), closed, notice, limit, error, printed)


def events_of(db: sqlite3.Connection, id: int) -> tuple[Event, ...]:
    """The event that opened turn `id`, then those that joined it, in order."""
    opener = db.execute(EVENT + "WHERE e.id = ?", (id,)).fetchone()
    joined = db.execute(EVENT + "WHERE e.turn = ? AND e.step > 1 ORDER BY e.number", (id,))
    return (event(opener), *map(event, joined))


def _steps(db: sqlite3.Connection, id: int) -> tuple[Step, ...]:
    effects: dict[int, list[Effect]] = {}
    rows = db.execute(
        """SELECT step, n, key, call_id, tool, arguments, class, decision, state, unparsed, attempts, begun, finished,
           seconds, result, label, hash, result_hash FROM effects WHERE turn = ? ORDER BY step, n""",
        (id,),
    )
    for row in rows:
        effects.setdefault(row[0], []).append(_effect(id, row))
    found = db.execute(
        """SELECT n, model, text, input, output, cached, dollars, stop, context, time, seconds, kind, recipe, reasoning,
           hash FROM steps WHERE turn = ? ORDER BY n""",
        (id,),
    )
    return tuple(_step(id, row, effects.get(row[0], ())) for row in found)


def _step(turn: int, row: Row, effects: Iterable[Effect]) -> Step:
    n, model, text, input, output, cached, dollars, stop, context, time, seconds, kind, *more = row
    recipe, reasoning, hash = more
    _verify(f"step {n} of turn t{turn}", hash, str(n), text, reasoning, model, context, recipe, kind, stop)
    return Step(
        n,
        model,
        text,
        Usage(input, output, cached, dollars),
        cast("Stop", stop),
        context,
        time,
        seconds,
        cast("StepKind", kind),
        recipe,
        tuple(Reasoning(*item) for item in json.loads(reasoning)) if reasoning else (),
        tuple(effects),
    )


def _effect(turn: int, row: Row) -> Effect:
    step, n, key, call_id, tool, arguments, kind, decision, state, unparsed, *ran = row
    tries, begun, finished, seconds, result, label, hash, result_hash = ran
    place = f"call t{turn}.{step}.{n}"
    _verify(place, hash, str(step), str(n), tool, arguments, unparsed, key, call_id, kind)
    _verify(f"the result of {place}", result_hash, result, label)
    return Effect(
        f"t{turn}.{step}.{n}",
        key,
        call_id,
        tool,
        json.loads(arguments),
        kind,
        decision,
        EffectState(state),
        unparsed,
        tries,
        begun,
        finished,
        seconds,
        result,
        Label.load(label) if label else None,
    )
