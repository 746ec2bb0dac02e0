"""The tortured program with one promise broken on purpose. Usage: sabotage.py BREAK HOME PORT PLACE PARALLEL.

Each break is what a plausible bug would do. The product knows nothing of this file.
"""

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from anima.agent import effects
from anima.errors import StoreError
from anima.runtime.actor import Actor
from anima.runtime.attempt import Attempts
from anima.store import Files, Posted, Store, journal, mailbox, outbox
from anima.torture import child
from anima.torture.workload import ERRANDS
from anima.vocabulary import Event, EventState, NewEvent


def put_in(place: object, name: str, new: object) -> None:
    setattr(place, name, new)


def acknowledge_before_the_commit() -> None:
    """Each event is committed when the second after it is posted."""
    post = Actor.post
    held: list[NewEvent] = []

    async def hasty(actor: Actor, new: NewEvent) -> Event:
        held.append(new)
        if len(held) > 2:
            await post(actor, held.pop(0))
        n = 1 + [errand.name for errand in ERRANDS].index(new.source_id or "")
        return Event(
            f"e{n}", *(new.agent, new.conversation, n, new.source, new.text, new.label), EventState.QUEUED, 0.0
        )

    put_in(Actor, "post", hasty)


def forget_that_a_call_began() -> None:
    outcome = journal._outcome
    put_in(journal, "_outcome", lambda effect: outcome(effect if effect.ended else replace(effect, begun=None)))


def lose_the_key() -> None:
    call = effects._call

    def keyless(effect: Any, turn: Any, me: Any) -> Any:
        return replace(call(effect, turn, me), effect_key=me.clock.new_key())

    put_in(effects, "_call", keyless)


def let_two_workers_claim_one_event() -> None:
    make = Attempts.make

    async def worker(attempts: Attempts, event: Event, id: str, resumed: bool) -> None:
        with contextlib.suppress(StoreError):  # the slower one: its rows are there already
            await make(attempts, event, id, resumed=resumed)

    async def twice(attempts: Attempts, event: Event, id: str, *, resumed: bool) -> None:
        await asyncio.gather(*(worker(attempts, event, id, resumed) for _ in range(2)))

    put_in(Attempts, "make", twice)


def _settle_begun_payments(as_what: Any) -> None:
    settled = effects._settled

    async def otherwise(effect: Any, turn: Any, me: Any) -> Any:
        return as_what(effect) if effect.effect_class == "once" else await settled(effect, turn, me)

    put_in(effects, "_settled", otherwise)


def run_a_call_again_whose_end_nobody_knows() -> None:
    _settle_begun_payments(lambda effect: replace(effect, attempts=effect.attempts + 1))


def take_a_call_for_done_that_was_cut_off() -> None:
    _settle_begun_payments(lambda effect: replace(effect, state="done", finished=1.0, result="did it"))


def give_up_a_call_that_never_began() -> None:
    _settle_begun_payments(lambda effect: replace(effect, state="unknown", finished=1.0, result="who knows"))


def forget_the_last_step_on_resuming() -> None:
    original = journal.resume

    def resume(db: sqlite3.Connection, id: str) -> Any:
        last = (int(id[1:]), len(original(db, id).steps))
        db.execute("DELETE FROM effects WHERE turn = ? AND step = ?", last)
        db.execute("DELETE FROM steps WHERE turn = ? AND n = ?", last)
        return journal.under_way(db, id)

    put_in(journal, "resume", resume)


def write_down_all_calls_but_the_last() -> None:
    original = journal.write_step

    def write_step(db: sqlite3.Connection, turn: Any, step: Any, joined: Any) -> None:
        original(db, turn, replace(step, effects=step.effects[:1]), joined)

    put_in(journal, "write_step", write_step)


def end_the_event_before_its_turn() -> None:
    original = Store.close_turn

    def answered(db: sqlite3.Connection, id: int) -> None:
        db.execute("UPDATE events SET state = 'answered' WHERE id = ?", (id,))

    async def close_turn(store: Store, closing: Any) -> None:
        await store._engine.write(answered, int(closing.turn.id[1:]))
        await original(store, closing)

    put_in(Store, "close_turn", close_turn)


def send_a_message_after_its_call() -> None:
    original = Store.write_effects

    def settle(db: sqlite3.Connection, agent: int, message: NewEvent) -> None:
        mailbox.post(db, agent, message, 0.0, False)

    async def write_effects(store: Store, turn: Any, effects: Any, messages: Any = ()) -> Any:
        arrived = await original(store, turn, effects)
        for message in messages:
            await store._engine.write(settle, store._agents[message.agent], message)
        return arrived

    put_in(Store, "write_effects", write_effects)


def close_without_a_reply() -> None:
    original = journal.close_turn

    def close_turn(db: sqlite3.Connection, closing: Any) -> None:
        original(db, closing)
        db.execute("DELETE FROM outbox WHERE turn = ?", (int(closing.turn.id[1:]),))

    put_in(journal, "close_turn", close_turn)


def say_something_else_than_what_is_on_disk() -> None:
    unprinted = outbox.unprinted

    def garbled(db: sqlite3.Connection, agent: int, conversation: str, source: str) -> Any:
        found = unprinted(db, agent, conversation, source)
        return found and replace(found, notice="and more")

    put_in(outbox, "unprinted", garbled)


def forget_that_a_reply_was_handed_over() -> None:
    unprinted, again = outbox.unprinted, ["orders"]

    def forgetful(db: sqlite3.Connection, agent: int, conversation: str, source: str) -> Any:
        found = unprinted(db, agent, conversation, source)
        if found is None and conversation in again:
            again.remove(conversation)
            return journal.find(db, "t1")
        return found

    put_in(outbox, "unprinted", forgetful)


def claim_the_newest_first() -> None:
    def claim(
        db: sqlite3.Connection, agent: int, conversation: str, now: float, waited: Sequence[int] = ()
    ) -> Event | None:
        row = db.execute(
            """SELECT id FROM events WHERE agent = ?1 AND conversation = ?2 AND state = 'queued'
               AND (coalesce(due, 0) <= ?3 OR id IN (SELECT value FROM json_each(?4))) ORDER BY number DESC LIMIT 1""",
            (agent, conversation, now, json.dumps(list(waited))),
        ).fetchone()
        return None if row is None else mailbox.begin(db, row[0])

    put_in(mailbox, "claim", claim)


def set_aside_without_a_reason() -> None:
    original = journal.abandon

    def abandon(db: sqlite3.Connection, end: Any, now: float) -> Any:
        return original(db, replace(end, error=""), now)

    put_in(journal, "abandon", abandon)


def take_every_message_for_a_new_one() -> None:
    original = mailbox.post

    def post(db: sqlite3.Connection, agent: int, new: NewEvent, now: float, claim: bool) -> Posted:
        return original(db, agent, replace(new, source_id=None), now, claim)

    put_in(mailbox, "post", post)


def take_in_a_file_without_its_bytes() -> None:
    put_in(Files, "_write", lambda files, name, data: None)


def fall_over() -> None:
    put_in(child.Child, "_deliver", None)


if __name__ == "__main__":
    globals()[sys.argv.pop(1)]()
    child.main()
