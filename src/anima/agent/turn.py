"""The turn: everything an agent does about one event. There is no second loop; read this first.

The one-shot command, the service and the tests all call `take_turn`, always with a journal. After a crash the same
function is handed the same turn and goes on where the journal ends. It does no input or output of its own, and does
not know who claims events, who retries a failed turn or who delivers the answer.
"""

import asyncio
from dataclasses import replace

from anima import faults
from anima.agent import compaction, effects
from anima.agent.context import Transcript
from anima.agent.faculties import Faculties
from anima.agent.labels import label_of
from anima.agent.limits import Limit, limit_reached, out_of_time, seconds_left
from anima.agent.thought import Thought
from anima.errors import ContextTooLong
from anima.store import Closing
from anima.vocabulary import Event, EventState, Step, Turn, TurnOpened, TurnState


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
    if turn.is_order:
        return await _close(await compaction.obey(turn, transcript.past, me), me)
    turn = await compaction.make_room(turn, transcript.past, me)
    while True:
        if effects.unanswered(turn):
            turn, arrived = await effects.answer(turn, me)
        if limit := limit_reached(turn, me):
            return await _close(_ending(turn, limit), me)
        me.stay()
        thinking = _join(turn, arrived)
        context = await transcript.context(thinking, me)
        thought = Thought(thinking, context, me, transcript.past.recipe(turn.id))
        try:
            async with asyncio.timeout(seconds_left(turn, me)) as deadline:
                await thought.follow()
        except TimeoutError:
            if not deadline.expired():
                raise  # the model's own
            return await _close(_ending(thinking, out_of_time(me), thought.step), me, thought.step, arrived)
        except ContextTooLong:
            if not transcript.past.shorten():
                raise
            continue
        if not thought.calls:
            return await _close(_ending(thinking, None, thought.step), me, thought.step, arrived)
        turn = await _write(thinking, thought, arrived, me)
        arrived = ()


def _join(turn: Turn, arrived: tuple[Event, ...]) -> Turn:
    """The turn with the events that came in meanwhile, as the next step will see it."""
    if not arrived:
        return turn
    n = len(turn.steps) + 1
    return replace(turn, events=turn.events + tuple(replace(event, turn=turn.id, step=n) for event in arrived))


async def _write(turn: Turn, thought: Thought, arrived: tuple[Event, ...], me: Faculties) -> Turn:
    """Keep the step and the intents of its calls, decided, before any of them runs."""
    step = replace(thought.step, effects=effects.intend(turn, thought.n, thought.calls, me))
    await me.journal.write_step(turn, step, arrived)
    faults.reach("step.written")
    return replace(turn, steps=(*turn.steps, step))


def _ending(turn: Turn, limit: Limit | None, last: Step | None = None) -> Turn:
    """The turn as it will be once it is closed: with its last step, and what the runtime has to add."""
    return replace(
        turn,
        steps=turn.steps if last is None else (*turn.steps, last),
        state=TurnState.CLOSED,
        notice=limit.sentence if limit else _notice(last),
        limit=limit.name if limit else None,
    )


async def _close(ending: Turn, me: Faculties, last: Step | None = None, joined: tuple[Event, ...] = ()) -> Turn:
    """End the turn in one commit: its events, its last step, its reply."""
    closed = replace(ending, closed=me.clock.now())
    faults.reach("turn.closing")
    knock = await me.journal.close_turn(Closing(closed, EventState.ANSWERED, last, joined, label_of(closed)))
    faults.reach("turn.closed")
    if knock is not None:
        me.neighbours.knock(knock)
    return closed


def _notice(step: Step | None) -> str:
    """What the person must know beside the model's last words."""
    if step is not None and step.stop == "length":
        return "(The answer was cut off: it reached the model's output limit.)"
    if step is not None and step.stop == "refused" and not step.text:
        return "The model declined to answer this."
    return ""
