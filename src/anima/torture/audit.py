"""The audit: what must hold whenever the child dies, and when all is done. Pure.

It compares two witnesses that know nothing of each other: what is on disk, and what the ledger was asked for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anima.torture.life import Entry, Snapshot
from anima.torture.workload import AGENT, BY_NAME, ERRANDS, TOLD, Errand, errand_of
from anima.vocabulary import Effect, EffectState, Event, EventState, Turn, TurnState

KINDS = {
    "lost_event": "an accepted event is not on disk, or never ends",
    "doubled_event": "one message of a sender became two events",
    "lost_file": "a file that was taken in is not there",
    "torn_close": "an event has ended and its turn has not, or the other way round",
    "out_of_order": "a later event of a conversation was begun before an earlier one",
    "claimed_twice": "two workers thought about the same step",
    "repeated_model_call": "a model was asked again for an answer that was on disk",
    "unrecorded_effect": "something happened that the journal does not know as begun",
    "repeated_effect": "an effect of class once happened twice",
    "torn_message": "a message to another agent is on disk without the call that sends it, or the other way round",
    "changed_key": "an idempotent effect came with another key",
    "untrue_result": "the journal says of an effect what the world does not",
    "needless_unknown": "an effect is unknown that no kill cut off",
    "lost_call": "a call the model asked for is not in the journal",
    "lost_reply": "a turn's reply was never handed over",
    "repeated_reply": "a reply was handed over again though that was noted",
    "wrong_answer": "a reply does not answer its events, or an event is answered twice",
    "lost_evidence": "a dead letter does not say what failed and what had happened",
    "damaged_store": "the store's own check finds damage",
    "crashed": "the program ended by itself with an error",
    "stuck": "the program did not finish",
    "never_reached": "the point was not passed",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: its kind, the kill that broke it, and what shows it."""

    kind: str
    point: str
    evidence: str


Finding = tuple[str, str]
"""A kind and its evidence, not yet laid at a kill's door."""


def at_death(now: Snapshot, entries: Sequence[Entry]) -> Iterator[Finding]:
    """What must hold on disk whenever a life has ended, in whatever way; `entries` are the ledger's until then."""
    yield from (("damaged_store", problem) for problem in now.problems)
    yield from _accepted(now, entries)
    yield from _whole_closes(now)
    yield from _whole_messages(now)
    begun = {label_of(effect): effect for turn in now.turns.values() for effect in turn.effects if effect.begun}
    for entry in _of_kind(entries, "effect"):
        effect = begun.get(entry["label"])
        if effect is None:
            yield "unrecorded_effect", f"{entry['label']} happened in life {entry['life']}"
        elif effect.effect_class == "idempotent" and entry["key"] != effect.key:
            yield "changed_key", f"{entry['label']} came with {entry['key']}; its key is {effect.key}"


def at_end(looks: Sequence[Snapshot], entries: Sequence[Entry]) -> Iterator[Finding]:
    """What must hold when all is done; `looks` are one for each life, the last one at the end."""
    last = looks[-1]
    yield from _order(last, entries)
    yield from _model_calls(looks, entries)
    yield from _replies(looks, entries)
    for errand in BY_NAME.values():
        events = [event for event in last.events if errand_of(event.text) == errand.name]
        if len(events) != 1:
            yield "doubled_event" if events else "lost_event", f"{errand.name} is {len(events)} events"
        elif errand.fails:
            yield from _dead_letter(errand, events[0], last)
        else:
            yield from _answered(errand, events[0], last)
    counts = Counter(entry["label"] for entry in _of_kind(entries, "effect"))
    counts.update(errand_of(event.text) for event in last.events if event.agent != AGENT)
    cut_off = {effect.id for look in looks if look.killed for effect in _running(look)}
    for turn in last.turns.values():
        for effect in turn.effects:
            yield from _effect(effect, counts[label_of(effect)], effect.id in cut_off)


def label_of(effect: Effect) -> str:
    """The label of a call: it is the model's own id of it."""
    return effect.call_id


def _of_kind(entries: Sequence[Entry], *kinds: str) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] in kinds]


def _running(look: Snapshot) -> Iterator[Effect]:
    yield from (effect for turn in look.turns.values() for effect in turn.effects if effect.begun and not effect.ended)


def _accepted(now: Snapshot, entries: Sequence[Entry]) -> Iterator[Finding]:
    ids = {event.id: errand_of(event.text) for event in now.events}
    for entry in _of_kind(entries, "posted"):
        if ids.get(entry["event"]) != entry["errand"]:
            yield "lost_event", f"{entry['errand']} was accepted as {entry['event']} in life {entry['life']}"
    for entry in _of_kind(entries, "kept"):
        if entry["hash"] not in now.files:
            yield "lost_file", f"{entry['hash']} was taken in in life {entry['life']}"


def _whole_closes(now: Snapshot) -> Iterator[Finding]:
    """An event and its turn end together."""
    for event in now.events:
        turn = now.turns.get(event.turn or "")
        ended = turn is not None and turn.state in (TurnState.CLOSED, TurnState.FAILED)
        if (event.state in (EventState.ANSWERED, EventState.DEAD)) != (ended and event.id in _ids(turn)):
            yield "torn_close", f"{event.id} is {event.state}, its turn {turn.state if turn else 'not there'}"


def _whole_messages(now: Snapshot) -> Iterator[Finding]:
    """What an agent tells another is there when its call says so, once, and not before."""
    heard = Counter(errand_of(event.text) for event in now.events)
    sent = {
        label_of(effect): effect.state in (EffectState.WAITING, EffectState.DONE)
        for turn in now.turns.values()
        for effect in turn.effects
        if effect.effect_class == "internal"
    }
    for errand in TOLD:
        if heard[errand.name] != sent.get(errand.name, False):
            yield (
                "torn_message",
                f"{errand.name} is {heard[errand.name]} events, its call sent: {sent.get(errand.name)}",
            )


def _ids(turn: Turn | None) -> list[str]:
    return [event.id for event in turn.events] if turn else []


def _order(last: Snapshot, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Events lie in the order they were posted in, and are begun in it; one that fails lets others pass."""
    lying = [errand_of(event.text) for event in sorted(last.events, key=lambda event: event.number)]
    thought = [entry["errand"] for entry in _of_kind(entries, "model")]
    places = {name: place for place, name in enumerate(BY_NAME)}
    held_up = {errand.conversation for errand in ERRANDS if errand.fails}
    for what, names in (("lie", lying), ("are begun", thought)):
        for conversation in dict.fromkeys(errand.conversation for errand in ERRANDS):
            mine = [name for name in names if BY_NAME[name].conversation == conversation]
            if mine != sorted(mine, key=places.__getitem__) and not (names is thought and conversation in held_up):
                yield "out_of_order", f"{conversation}: they {what} as {', '.join(dict.fromkeys(mine))}"


def _model_calls(looks: Sequence[Snapshot], entries: Sequence[Entry]) -> Iterator[Finding]:
    """No answer is asked for twice in one life, or again when it was on disk at the end of an earlier one."""
    calls = [entry for entry in _of_kind(entries, "model") if not BY_NAME[entry["errand"]].fails]
    for (life, errand, n), count in Counter((each["life"], each["errand"], each["n"]) for each in calls).items():
        if count > 1:
            yield "claimed_twice", f"step {n} of {errand} was asked for {count} times in life {life}"
    for look in looks:
        known = {
            (errand_of(turn.events[0].text), step.n, look.life) for turn in look.turns.values() for step in turn.steps
        }
        for entry in _of_kind(entries, "model"):
            if entry["life"] == look.life + 1 and (entry["errand"], entry["n"], look.life) in known:
                yield "repeated_model_call", f"step {entry['n']} of {entry['errand']}, in life {entry['life']}"


def _replies(looks: Sequence[Snapshot], entries: Sequence[Entry]) -> Iterator[Finding]:
    """Every reply is handed over, and not again once that is noted."""
    handed = _of_kind(entries, "reply")
    for turn in looks[-1].turns.values():
        texts = {entry["text"] for entry in handed if entry["turn"] == turn.id}
        if turn.agent == AGENT and turn.state == TurnState.CLOSED and (not texts or turn.printed is None):
            yield "lost_reply", f"the reply of {turn.id} was {'handed over and not noted' if texts else 'never seen'}"
        if texts - {turn.answer}:
            yield "wrong_answer", f"the reply of {turn.id} was {sorted(texts)}; on disk it is {turn.answer!r}"
    for (turn_id, life), count in Counter((entry["turn"], entry["life"]) for entry in handed).items():
        noted = any(look.life < life and _printed(look, turn_id) for look in looks)
        if count > 1 or noted:
            yield "repeated_reply", f"the reply of {turn_id}, in life {life}"


def _printed(look: Snapshot, turn: str) -> bool:
    return turn in look.turns and look.turns[turn].printed is not None


def _answered(errand: Errand, event: Event, last: Snapshot) -> Iterator[Finding]:
    """It has one answer that names it, and every call it asked for."""
    if event.state != EventState.ANSWERED:
        yield "lost_event", f"{errand.name} is {event.state}: {event.error}"
        return
    naming = [turn.id for turn in last.turns.values() if errand.name in turn.answer.split("+")]
    if naming != [event.turn]:
        yield "wrong_answer", f"{errand.name} belongs to {event.turn} and is answered in {naming}"
    turn = last.turns.get("t" + event.id[1:])
    if turn is not None and event.turn == turn.id:
        yield from _calls(errand, turn)


def _calls(errand: Errand, turn: Turn) -> Iterator[Finding]:
    labels = [label_of(effect) for effect in turn.effects]
    if labels != list(errand.labels):
        yield "lost_call", f"{errand.name} asked for {list(errand.labels)}; the journal has {labels}"


def _dead_letter(errand: Errand, event: Event, last: Snapshot) -> Iterator[Finding]:
    turn = last.turns.get("t" + event.id[1:])
    if event.state != EventState.DEAD or turn is None:
        yield "lost_event", f"{errand.name} is {event.state} and should be a dead letter"
        return
    if not (event.error and turn.error and event.attempts):
        yield "lost_evidence", f"{errand.name}: error {event.error!r} after {event.attempts} attempts"
    yield from _calls(errand, turn)


def _effect(effect: Effect, happened: int, cut_off: bool) -> Iterator[Finding]:
    """The journal's word for an effect against what the world saw of it."""
    told = f"{label_of(effect)} ({effect.tool}, {effect.effect_class}) is {effect.state}, and happened {happened} times"
    if effect.effect_class in ("once", "internal") and happened > 1:
        yield "repeated_effect", told
    elif effect.state == EffectState.UNKNOWN:
        if not cut_off or effect.effect_class != "once":
            yield "needless_unknown", told
    elif effect.state == EffectState.FAILED:
        # A command that recovery kept from beginning has not run, and says so.
        if happened or not cut_off:
            yield "untrue_result", told
    elif effect.state != EffectState.DONE or not happened:
        yield "untrue_result", told
