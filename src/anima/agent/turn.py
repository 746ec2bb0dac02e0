"""The turn: everything an agent does about one event. There is no second loop; read this first.

The one-shot command, the service and the tests all call `take_turn`, always with a journal. After a crash the same
function is handed the same turn and goes on where the journal ends. It does no input or output of its own, and does
not know who claims events, who retries a failed turn or who delivers the answer.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from anima import faults
from anima.agent import effects
from anima.agent.context import Transcript
from anima.agent.faculties import Faculties
from anima.agent.limits import Limit, limit_reached, seconds_left
from anima.errors import MalformedAnswer
from anima.store import Closing
from anima.vocabulary import (
    Context,
    Event,
    Fallback,
    FellBack,
    Finish,
    Reasoning,
    Retried,
    Retry,
    Step,
    StepDone,
    Text,
    Token,
    ToolCall,
    Turn,
    TurnOpened,
    TurnState,
)


async def take_turn(turn: Turn, transcript: Transcript, me: Faculties, *, resumed: bool = False) -> Turn:
    """Think and act until the turn is closed; returns it closed.

    `resumed`: an earlier process began it. Raises ModelError when no model answers; the turn is then still open on
    disk and may be taken up again.
    """
    me.tell(TurnOpened, turn, len(turn.steps) + 1, event=turn.events[0].id, resumed=resumed)
    faults.reach("turn.opened")
    arrived: tuple[Event, ...] = ()
    if resumed:
        turn = await effects.settle(turn, me)
    while True:
        if effects.unanswered(turn):
            turn, arrived = await effects.answer(turn, me)
        if limit := limit_reached(turn, me):
            return await _close(turn, None, me, limit)
        thinking = _join(turn, arrived)
        context = await transcript.context(thinking, me)
        try:
            async with asyncio.timeout(seconds_left(turn, me)):
                step, calls = await _think(thinking, context, me)
        except TimeoutError:
            return await _close(turn, None, me, Limit("seconds", f"Stopped after {me.limits.seconds:g} seconds."))
        if not calls:
            return await _close(thinking, step, me)
        turn = await _write(thinking, step, calls, arrived, me)
        arrived = ()


def _join(turn: Turn, arrived: tuple[Event, ...]) -> Turn:
    """The turn with the events that came in meanwhile, as the next step will see it."""
    n = len(turn.steps) + 1
    return replace(turn, events=turn.events + tuple(replace(event, turn=turn.id, step=n) for event in arrived))


async def _think(turn: Turn, context: Context, me: Faculties) -> tuple[Step, list[ToolCall]]:
    """One model call: its answer as a step that is not on disk yet, and the calls it asks for."""
    n = len(turn.steps) + 1
    started, time = me.clock.monotonic(), me.clock.now()
    texts: list[str] = []
    reasons: list[Reasoning] = []
    calls: list[ToolCall] = []
    finish: Finish | None = None
    stream = me.model.stream(context)
    try:
        async for chunk in stream:
            match chunk:
                case Text(text):
                    texts.append(text)
                    me.tell(Token, turn, n, text=text)
                case Reasoning(text):
                    reasons.append(chunk)
                    me.tell(Token, turn, n, text=text, reasoning=True)
                case ToolCall():
                    calls.append(chunk)
                case Finish():
                    finish = chunk
                case Retry(model, error, delay, attempt):
                    texts, reasons, calls = [], [], []
                    me.tell(Retried, turn, n, model=model, error=error, delay=delay, attempt=attempt)
                case Fallback(model, error, following):
                    texts, reasons, calls = [], [], []
                    me.tell(FellBack, turn, n, model=model, error=error, next=following)
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
    if finish is None:
        raise MalformedAnswer("the model's answer has no end", "try again, or another model")
    faults.reach("model.called")
    seconds = me.clock.monotonic() - started
    me.tell(StepDone, turn, n, model=finish.model, usage=finish.usage, seconds=seconds, messages=len(context.messages))
    step = Step(
        n,
        finish.model,
        "".join(texts),
        finish.usage,
        finish.stop,
        context.digest(),
        time,
        seconds,
        recipe=me.recipe,
        reasoning=tuple(reasons),
    )
    return step, calls


async def _write(turn: Turn, step: Step, calls: list[ToolCall], arrived: tuple[Event, ...], me: Faculties) -> Turn:
    """Keep the step and the intents of its calls, decided, before any of them runs."""
    step = replace(step, effects=effects.intend(turn, step.n, calls, me))
    await me.journal.write_step(turn, step, arrived)
    faults.reach("step.written")
    return replace(turn, steps=(*turn.steps, step))


async def _close(turn: Turn, step: Step | None, me: Faculties, limit: Limit | None = None) -> Turn:
    """End the turn in one commit: its events, its last step, its reply."""
    steps = turn.steps if step is None else (*turn.steps, step)
    closed = replace(
        turn,
        steps=steps,
        state=TurnState.CLOSED,
        closed=me.clock.now(),
        notice=limit.sentence if limit else _notice(step),
        limit=limit.name if limit else None,
    )
    faults.reach("turn.closing")
    await me.journal.close_turn(Closing(closed, "answered", step))
    faults.reach("turn.closed")
    return closed


def _notice(step: Step | None) -> str:
    """What the person must know beside the model's last words."""
    if step is not None and step.stop == "length":
        return "(The answer was cut off: it reached the model's output limit.)"
    if step is not None and step.stop == "refused" and not step.text:
        return "The model declined to answer this."
    return ""
