"""The journal: turns, their steps and effects; the truth after a crash.

Plain functions of a connection, each one unit of a commit. They write what they are handed and do not judge it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from anima.store import mailbox
from anima.store.rows import TURN, digest, events_of, headline, number, pack, turn
from anima.vocabulary import OWNER, Effect, EffectState, Event, EventState, Label, Step, Turn, TurnState


@dataclass(frozen=True, slots=True)
class Closing:
    """Everything that becomes true when a turn ends.

    `step` is its last step, where that is not on disk yet, and `joined` are the events that joined the turn before
    it. `event_state` is what all its events become: answered, dead or dropped. `label` is that of its answer.
    """

    turn: Turn
    event_state: EventState
    step: Step | None = None
    joined: Sequence[Event] = ()
    label: Label = OWNER


def write_step(db: sqlite3.Connection, turn: Turn, step: Step, joined: Sequence[Event]) -> None:
    """Keep a step with the intents of its calls; the first step brings the turn's row, `joined` events their fold."""
    id = number(turn.id)
    if step.n == 1:
        _open(db, turn)
    _insert_step(db, id, step)
    for event in joined:
        _join(db, id, step.n, event)


def _open(db: sqlite3.Connection, turn: Turn) -> None:
    db.execute(
        """INSERT INTO turns (id, agent, conversation, state, opened)
           SELECT id, agent, conversation, ?, ? FROM events WHERE id = ? ON CONFLICT DO NOTHING""",
        (turn.state, turn.opened, number(turn.id)),
    )


def _insert_step(db: sqlite3.Connection, id: int, step: Step) -> None:
    usage = step.usage
    reasoning = pack([[piece.text, piece.proof] for piece in step.reasoning]) if step.reasoning else None
    db.execute(
        """INSERT INTO steps (turn, n, kind, model, text, reasoning, stop, input, output, cached, dollars, context,
           recipe, time, seconds, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            id,
            step.n,
            step.kind,
            step.model,
            step.text,
            reasoning,
            step.stop,
            usage.input,
            usage.output,
            usage.cached,
            usage.dollars,
            step.context,
            step.recipe,
            step.time,
            step.seconds,
            digest(str(step.n), step.text, reasoning, step.model, step.context, step.recipe, step.kind, step.stop),
        ),
    )
    for n, effect in enumerate(step.effects, 1):
        place, arguments = (str(step.n), str(n)), pack(effect.arguments)
        db.execute(
            """INSERT INTO effects (turn, step, n, key, call_id, tool, arguments, unparsed, class, hash, decision,
               state, attempts, begun, finished, seconds, result, label, result_hash)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                id,
                step.n,
                n,
                effect.key,
                effect.call_id,
                effect.tool,
                arguments,
                effect.unparsed,
                effect.effect_class,
                digest(
                    *place, effect.tool, arguments, effect.unparsed, effect.key, effect.call_id, effect.effect_class
                ),
                *_outcome(effect),
            ),
        )


def _outcome(effect: Effect) -> tuple[object, ...]:
    label = effect.label.dump() if effect.label else None
    return (
        effect.decision,
        effect.state,
        effect.attempts,
        effect.begun,
        effect.finished,
        effect.seconds,
        effect.result,
        label,
        digest(effect.result, label),
    )


def _join(db: sqlite3.Connection, id: int, step: int, event: Event) -> None:
    db.execute(
        "UPDATE events SET state = 'running', turn = ?, step = ? WHERE id = ? AND state = 'queued'",
        (id, step, number(event.id)),
    )


def write_effects(db: sqlite3.Connection, effects: Iterable[Effect]) -> None:
    """Keep how far these effects are: decided, begun, ended."""
    for effect in effects:
        id, step, n = effect.id[1:].split(".")
        db.execute(
            """UPDATE effects SET decision = ?, state = ?, attempts = ?, begun = ?, finished = ?, seconds = ?,
               result = ?, label = ?, result_hash = ?
               WHERE turn = ? AND step = ? AND n = ?""",
            (*_outcome(effect), int(id), int(step), int(n)),
        )


def close_turn(db: sqlite3.Connection, closing: Closing) -> None:
    """End a turn: last step, its events, the turn and its queued reply, all in one unit."""
    done = closing.turn
    id = number(done.id)
    _open(db, done)
    if closing.step is not None:
        _insert_step(db, id, closing.step)
        for event in closing.joined:
            _join(db, id, closing.step.n, event)
    ended = (closing.event_state, done.error, id)
    db.execute("UPDATE events SET state = ?, due = NULL, error = ? WHERE id = ?", ended)
    db.execute("UPDATE events SET state = ?, due = NULL, error = ? WHERE turn = ? AND step > 1", ended)
    db.execute(
        "UPDATE turns SET state = ?, closed = ?, notice = ?, limited = ?, error = ? WHERE id = ?",
        (done.state, done.closed, done.notice, done.limit, done.error, id),
    )
    if done.state == TurnState.CLOSED and not done.silent:
        # An answer to Python is handed to whoever awaits it in this process; every other door delivers from here.
        state = "sent" if done.events[0].source == "python" else "queued"
        db.execute("INSERT INTO outbox (turn, n, state, time) VALUES (?, 0, ?, ?)", (id, state, done.closed))


def resume(db: sqlite3.Connection, id: str) -> Turn:
    """A turn under way, found again after its process ended: one more attempt, counted on disk first."""
    mailbox.begin(db, number(id))
    return under_way(db, id)


def under_way(db: sqlite3.Connection, id: str) -> Turn:
    """Turn `id` with all it has on disk; one that died before its first step has no row yet, only its event."""
    row = db.execute(TURN + "WHERE t.id = ?", (number(id),)).fetchone()
    if row is not None:
        return turn(db, row)
    events = events_of(db, number(id))
    return Turn(id, events[0].agent, events[0].conversation, TurnState.OPEN, events, events[0].time)


LEFT = frozenset({EventState.QUEUED, EventState.RUNNING, EventState.WAITING, EventState.HELD})
"""States of an event that has not ended."""


@dataclass(frozen=True, slots=True)
class Abandonment:
    """A turn ends without an answer: what it and its events become, why, and what an unfinished call is told.

    `shown` is at which step it failed, and the hash of what the model was shown there.
    """

    turn: str
    state: TurnState
    event_state: EventState
    error: str
    unknown: str
    shown: tuple[int, str] | None = None


def abandon(db: sqlite3.Connection, end: Abandonment, now: float) -> Turn | None:
    """End a turn without an answer: a call that had begun becomes unknown, one that had not is denied.

    None when there is no such turn, or it has ended already.
    """
    opener = mailbox.find(db, "e" + end.turn[1:])
    if opener is None or opener.state not in LEFT:
        return None
    left = under_way(db, end.turn)
    write_effects(db, [_left(effect, end, now) for effect in left.effects if not effect.ended])
    ended = replace(left, state=end.state, closed=now, error=end.error)
    close_turn(db, Closing(ended, end.event_state))
    if end.shown is not None:
        db.execute("UPDATE events SET evidence = ? WHERE id = ?", (pack(end.shown), number(end.turn)))
    return under_way(db, end.turn)


def _left(effect: Effect, end: Abandonment, now: float) -> Effect:
    if effect.begun is None:
        return replace(effect, state=EffectState.DENIED, finished=now, result=f"Not begun: {end.error}.", label=OWNER)
    return replace(effect, state=EffectState.UNKNOWN, finished=now, result=end.unknown, label=OWNER)


def find(db: sqlite3.Connection, id: str) -> Turn | None:
    """Turn `t17`, whole; an event that has no turn row yet is not one."""
    row = db.execute(TURN + "WHERE t.id = ?", (number(id),)).fetchone()
    return None if row is None else turn(db, row)


def newest(db: sqlite3.Connection, agent: int | None, limit: int) -> list[Turn]:
    """The last turns, newest first, without their steps."""
    rows = db.execute(TURN + "WHERE ?1 IS NULL OR t.agent = ?1 ORDER BY t.id DESC LIMIT ?2", (agent, limit))
    return [headline(row) for row in rows]


def unknowns(db: sqlite3.Connection, agent: int, conversation: str) -> set[tuple[str, str]]:
    """Calls of this conversation nobody knows the end of: tool and arguments (JSON as stored)."""
    rows = db.execute(
        """SELECT x.tool, x.arguments FROM effects x JOIN turns t ON t.id = x.turn
           WHERE x.state = 'unknown' AND t.agent = ? AND t.conversation = ?""",
        (agent, conversation),
    )
    return {(tool, arguments) for tool, arguments in rows}
