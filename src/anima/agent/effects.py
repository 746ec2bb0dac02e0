"""Effects: a step's tool calls, decided, begun, run and answered, each fact on disk before the next.

Of the calls of one step only the first unfinished one may have begun, or all of them when all only read. This
module does not run tools itself and does not judge calls: the toolbox and the policy do.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from anima import faults
from anima.agent import messages
from anima.agent.faculties import Faculties
from anima.agent.labels import label_of
from anima.policy import Decision, decide
from anima.store import pack
from anima.tools.toolbox import Outcome
from anima.vocabulary import (
    OWNER,
    Call,
    Effect,
    EffectState,
    Event,
    Label,
    NewEvent,
    ToolCall,
    ToolCalled,
    ToolReturned,
    Trust,
    Turn,
    Waiting,
)

UNKNOWN = (
    "The outcome of this call is unknown: the program ended while it ran. It may have happened, wholly or in part. "
    "It was not repeated. Find out before you try again."
)
NO_ANSWER_YET = "No answer yet. It will come as a message of its own."
NOBODY = "Denied: this needs a person's yes, and nobody could be asked."


def intend(turn: Turn, n: int, calls: Sequence[ToolCall], me: Faculties) -> tuple[Effect, ...]:
    """The intents of a step's calls, each decided once, in order; those that begin with the commit are marked."""
    intents = tuple(_intent(turn, n, place, call, me) for place, call in enumerate(calls, 1))
    return _begin(intents, me)


def _intent(turn: Turn, n: int, place: int, call: ToolCall, me: Faculties) -> Effect:
    arguments = dict(call.arguments)
    effect = Effect(
        f"{turn.id}.{n}.{place}",
        me.clock.new_key(),
        call.id or f"call_{turn.id}_{n}_{place}",
        call.name,
        arguments,
        me.tools.effect_class(call.name, arguments),
        "allow",
        EffectState.INTENDED,
        call.unparsed,
    )
    return _apply(effect, _judge(effect, turn, me), me)


def _judge(effect: Effect, turn: Turn, me: Faculties) -> Decision:
    return decide(_call(effect, turn, me), label_of(turn), me.grants)


def _apply(effect: Effect, decision: Decision, me: Faculties) -> Effect:
    """The effect as the policy wants it. A person's earlier yes stands unless the policy now denies."""
    known = me.tools.get(effect.tool) is not None
    if known and decision.verdict == "deny":
        return _denied(effect, "deny", f"Denied: {decision.reason}", me)
    if known and decision.verdict == "ask" and effect.decision != "approved":
        if me.approve is None:
            return _denied(effect, "denied", f"{NOBODY} ({decision.reason})", me)
        return replace(effect, decision="ask", state=EffectState.WAITING, begun=None)
    return effect


def _denied(effect: Effect, decision: str, why: str, me: Faculties) -> Effect:
    now = me.clock.now()
    return replace(
        effect, decision=decision, state=EffectState.DENIED, begun=None, finished=now, result=why, label=OWNER
    )


def unanswered(turn: Turn) -> bool:
    """Whether calls of the last step still have no result."""
    return bool(turn.steps) and not all(effect.ended for effect in turn.steps[-1].effects)


async def answer(turn: Turn, me: Faculties) -> tuple[Turn, tuple[Event, ...]]:
    """Run the last step's calls until each has a result. Returns the events that arrived in the lane meanwhile."""
    arrived: tuple[Event, ...] = ()
    while unanswered(turn):
        effects = [effect for effect in turn.steps[-1].effects if not effect.ended]
        first = effects[0]
        if first.begun is None:
            me.stay()
        if first.state == EffectState.INTENDED:
            changed, messages = await _run([effect for effect in effects if effect.begun is not None], turn, me)
        elif first.begun is not None:
            changed, messages = [await _hear(first, turn, me, wait=not arrived)], []
        else:
            changed, messages = [await _ask(first, turn, me)], []
        turn, arrived = await _keep(turn, changed, me, messages)
    return turn, arrived


async def settle(turn: Turn, me: Faculties) -> Turn:
    """Take up calls an earlier process left: decide again (the stricter holds), then follow each one's class."""
    if not unanswered(turn):
        return turn
    changed = [await _settled(effect, turn, me) for effect in turn.steps[-1].effects if not effect.ended]
    turn, _ = await _keep(turn, changed, me)
    return turn


async def _settled(effect: Effect, turn: Turn, me: Faculties) -> Effect:
    if effect.begun is None:
        return _apply(effect, _judge(effect, turn, me), me)
    if effect.state == EffectState.WAITING:
        return effect  # its question is on disk, and so its answer will be
    if effect.effect_class == "once":
        found = await me.tools.recover(_call(effect, turn, me))
        if found is not None:
            return _ended(effect, found, me)
        me.doubtful.setdefault(turn.conversation, set()).add((effect.tool, pack(effect.arguments)))
        return replace(effect, state=EffectState.UNKNOWN, finished=me.clock.now(), result=UNKNOWN, label=OWNER)
    judged = _apply(effect, _judge(effect, turn, me), me)
    return judged if judged.begun is None else replace(judged, attempts=effect.attempts + 1)


async def let_go(turn: Turn, me: Faculties) -> None:
    """Before a turn ends without an answer: end commands a dead process left running, and keep what they came to."""
    left = [effect for effect in turn.effects if effect.begun is not None and not effect.ended]
    found = [(effect, await me.tools.recover(_call(effect, turn, me))) for effect in left]
    changed = [_ended(effect, outcome, me) for effect, outcome in found if outcome is not None]
    if changed:
        await me.journal.write_effects(turn, changed)


async def _ask(effect: Effect, turn: Turn, me: Faculties) -> Effect:
    """A person's answer to a waiting call; without an approver it is no."""
    me.tell(Waiting, turn, len(turn.steps), effect=effect.id, tool=effect.tool)
    if me.approve is None:
        return _denied(effect, "denied", NOBODY, me)
    if not await me.approve(_call(effect, turn, me)):
        return _denied(effect, "denied", "Denied: the person asked said no.", me)
    return replace(effect, decision="approved", state=EffectState.INTENDED)


async def _hear(effect: Effect, turn: Turn, me: Faculties, *, wait: bool) -> Effect:
    """Wait a while for another agent's answer; it ends by the answer, by time, or by something new in the lane."""
    me.tell(Waiting, turn, len(turn.steps), effect=effect.id, tool=effect.tool)
    if wait:
        await me.neighbours.listen(effect.id, turn.conversation)
    told = replace(effect, state=EffectState.DONE, finished=me.clock.now(), result=NO_ANSWER_YET, label=OWNER)
    return await me.journal.stop_waiting(effect, told)


async def _run(effects: Sequence[Effect], turn: Turn, me: Faculties) -> tuple[list[Effect], list[NewEvent]]:
    """Run calls that have begun, several only when all of them read; and the messages they send."""
    if len(effects) == 1:
        ran = [await _run_one(effects[0], turn, me)]
    else:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_run_one(effect, turn, me)) for effect in effects]
        ran = [task.result() for task in tasks]
    return [effect for effect, _ in ran], [message for _, message in ran if message is not None]


async def _run_one(effect: Effect, turn: Turn, me: Faculties) -> tuple[Effect, NewEvent | None]:
    step = len(turn.steps)
    me.tell(ToolCalled, turn, step, effect=effect.id, tool=effect.tool, arguments=effect.arguments)
    faults.reach("effect.begun")
    started = me.clock.monotonic()
    outcome = await me.tools.run(_call(effect, turn, me), effect.unparsed)
    faults.reach("effect.ran")
    seconds = me.clock.monotonic() - started
    if outcome.write is None:
        ended, message = _ended(effect, outcome, me, seconds), None
    else:
        ended, message = messages.send(effect, outcome.write, turn, me)
    if ended.ended:
        result = ended.result or ""
        news = {"effect": effect.id, "tool": effect.tool, "state": ended.state, "result": result, "seconds": seconds}
        me.tell(ToolReturned, turn, step, **news)
    return ended, message


def _ended(effect: Effect, outcome: Outcome, me: Faculties, seconds: float = 0.0) -> Effect:
    state = EffectState.DONE if outcome.ok else EffectState.FAILED
    label = _result_label(effect.tool, outcome)
    return replace(effect, state=state, finished=me.clock.now(), seconds=seconds, result=outcome.text, label=label)


def _result_label(tool: str, outcome: Outcome) -> Label:
    trust = Trust.UNTRUSTED if outcome.label == "untrusted" else Trust.OWNER
    readers = frozenset({"owner"}) if outcome.label == "private" else frozenset[str]()
    return Label(trust, readers, frozenset({f"tool:{tool}"}))


async def _keep(
    turn: Turn, changed: Sequence[Effect], me: Faculties, messages: Sequence[NewEvent] = ()
) -> tuple[Turn, tuple[Event, ...]]:
    """Write what changed and what it sends; the call that comes next begins with the same commit."""
    last = turn.steps[-1]
    new = {effect.id: effect for effect in changed}
    effects = _begin(tuple(new.get(effect.id, effect) for effect in last.effects), me)
    written = [now for now, before in zip(effects, last.effects, strict=True) if now != before]
    kept = await me.journal.write_effects(turn, written, messages)
    faults.reach("effect.finished")
    for knock in kept.knocks:
        me.neighbours.knock(knock)
    return replace(turn, steps=(*turn.steps[:-1], replace(last, effects=effects))), kept.arrived


def _begin(effects: tuple[Effect, ...], me: Faculties) -> tuple[Effect, ...]:
    """Mark what may run now: the first unfinished call unless it waits, or all of them when all only read."""
    if me.leaving():
        return effects
    open = [effect for effect in effects if not effect.ended]
    ready = [effect for effect in open if effect.state == EffectState.INTENDED]
    if not (open and ready == open and all(effect.effect_class == "read" for effect in open)):
        ready = ready[:1] if open and ready[:1] == open[:1] else []
    begun = {
        effect.id: replace(effect, begun=me.clock.now(), attempts=effect.attempts + 1)
        for effect in ready
        if effect.begun is None
    }
    return tuple(begun.get(effect.id, effect) for effect in effects)


def _call(effect: Effect, turn: Turn, me: Faculties) -> Call:
    doubtful = me.doubtful.get(turn.conversation, ())
    return Call(
        effect.tool,
        effect.arguments,
        turn.agent,
        turn.conversation,
        me.workspace,
        effect.key,
        effect.effect_class,
        max(effect.attempts, 1),
        bool(doubtful) and (effect.tool, pack(effect.arguments)) in doubtful,
        me.scratch / effect.key,
        me.neighbours.names,
        lambda text: me.tell(
            ToolReturned,
            turn,
            len(turn.steps),
            effect=effect.id,
            tool=effect.tool,
            state=EffectState.INTENDED,
            result=text,
            seconds=0.0,
        ),
    )
