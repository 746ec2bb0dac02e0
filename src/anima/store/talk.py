"""Agents talking to agents: what one sends is committed with its call, what the other answers with its turn.

Plain functions of a connection, each one unit of a commit. They do not know who is awake.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anima.store import journal, mailbox
from anima.store.journal import Abandonment, Closing
from anima.store.rows import number
from anima.vocabulary import Effect, EffectState, Event, Knock, Label, NewEvent, Turn, TurnState


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing effects: events that may be folded into the turn now, and who has got something."""

    arrived: tuple[Event, ...]
    knocks: tuple[Knock, ...] = ()


def write_effects(
    db: sqlite3.Connection, turn: Turn, effects: Sequence[Effect], messages: Sequence[NewEvent], now: float
) -> Written:
    """Keep how far these effects are, with the messages they send; and look into the lane."""
    journal.write_effects(db, effects)
    knocks = tuple(_send(db, message, now) for message in messages)
    return Written(mailbox.arrived(db, number(turn.id)), knocks)


def _send(db: sqlite3.Connection, message: NewEvent, now: float) -> Knock:
    db.execute(
        "INSERT INTO agents (key, name, created) VALUES (lower(hex(randomblob(13))), ?, ?) ON CONFLICT DO NOTHING",
        (message.agent, now),
    )
    (agent,) = db.execute("SELECT id FROM agents WHERE name = ?", (message.agent,)).fetchone()
    mailbox.post(db, agent, message, now, claim=False)
    return Knock(message.agent, message.conversation)


def stop_waiting(db: sqlite3.Connection, effect: Effect, told: Effect) -> Effect:
    """`effect` as it stands: with its answer if that came first, else as `told`, which is kept."""
    now = _standing(db, effect.id)
    if now.state != EffectState.WAITING:
        return now
    journal.write_effects(db, [told])
    return told


def close_turn(db: sqlite3.Connection, closing: Closing) -> Knock | None:
    """End a turn; its answer goes to the agent that asked, in the same unit."""
    journal.close_turn(db, closing)
    return _answer(db, closing.turn, closing.label)


def abandon(db: sqlite3.Connection, end: Abandonment, now: float) -> tuple[Turn | None, Knock | None]:
    """End a turn without an answer; the agent that asked is told so in the same unit."""
    ended = journal.abandon(db, end, now)
    return ended, None if ended is None else _answer(db, ended, Label())


def _answer(db: sqlite3.Connection, turn: Turn, label: Label) -> Knock | None:
    opener = turn.events[0]
    if opener.origin is None or opener.origin.effect is None:
        return None
    answered = turn.state == TurnState.CLOSED
    text = turn.answer if answered else f"{turn.agent} gave no answer: {turn.error}"
    asked = journal.under_way(db, opener.origin.effect.partition(".")[0])
    call = next(effect for effect in asked.effects if effect.id == opener.origin.effect)
    if call.state == EffectState.WAITING:
        state = EffectState.DONE if answered else EffectState.FAILED
        journal.write_effects(db, [replace(call, state=state, finished=turn.closed, result=text, label=label)])
        return Knock(asked.agent, asked.conversation, call.id)
    late = NewEvent(
        asked.agent,
        asked.conversation,
        f"[{turn.agent} answers your question {opener.text!r}]\n{text}",
        label,
        f"agent:{turn.agent}",
        call.key,
    )
    return _send(db, late, turn.closed or opener.time)


def _standing(db: sqlite3.Connection, effect: str) -> Effect:
    turn = journal.under_way(db, effect.partition(".")[0])
    return next(each for each in turn.effects if each.id == effect)
