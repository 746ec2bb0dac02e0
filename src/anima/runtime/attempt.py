"""Attempts at events: one turn each, and what becomes of an event whose turn fails.

Again later, or set aside as a dead letter with its evidence. This module does not know which event comes when.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from anima.agent.context import Transcript
from anima.agent.faculties import Faculties, Left
from anima.agent.past import Past
from anima.agent.turn import take_turn
from anima.errors import AnimaError, ModelError, StoreError, TurnFailed
from anima.store import Abandonment
from anima.vocabulary import Closed, Event, EventState, Turn, TurnState

log = logging.getLogger("anima.runtime")

HOT = 256
"""Conversations whose past is kept in memory."""

OUTAGE_LEAST, OUTAGE_MOST = 5.0, 600.0
"""Seconds until an event is tried again while no model can be reached: as long as it has waited, within these."""

CUT_OFF = (
    "The outcome of this call is unknown: the turn was ended while it ran. It may have happened, wholly or in part."
)


@dataclass(frozen=True)
class Manner:
    """How an actor works: everything in its mailbox or only what it is asked, and how often it tries again.

    `delays` are seconds between the attempts of an event that fails; none means one attempt. A turn that gives no
    sign of life for `hung_after` seconds has failed.
    """

    everything: bool
    parallel: int
    delays: tuple[float, ...]
    hung_after: float


@dataclass
class Waiting:
    """Who waits for which event's turn to end: events in `awaited`, a future for those who want to be told."""

    awaited: dict[str, Event] = field(default_factory=dict)
    _futures: dict[str, "asyncio.Future[Turn]"] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.awaited or self._futures)

    def ended(self, event: str) -> "asyncio.Future[Turn]":
        """Done when the turn of `event` has ended; raises what it ended with."""
        if event not in self._futures:
            self._futures[event] = asyncio.get_running_loop().create_future()
        return self._futures[event]

    def settle(self, event: str, turn: Turn, error: AnimaError | None) -> None:
        """The turn of `event` has ended."""
        self.awaited.pop(event, None)
        future = self._futures.pop(event, None)
        if future is None or future.done():
            return
        if error is None:
            future.set_result(turn)
        else:
            future.set_exception(error)

    def give_up(self) -> None:
        """Nobody will be told any more."""
        for future in self._futures.values():
            future.cancel()


class Attempts:
    """Makes attempts for one agent. `later(conversation, due)` is told of an event that comes again."""

    def __init__(self, me: Faculties, manner: Manner, waiting: Waiting, later: Callable[[str, float], None]) -> None:
        self._me = me
        self._manner = manner
        self._waiting = waiting
        self._later = later
        self._pasts: OrderedDict[str, Past] = OrderedDict()

    async def make(self, event: Event, id: str, *, resumed: bool) -> None:
        """Work on an event that was claimed; `resumed`: an earlier process had begun. Raises StoreError alone."""
        again = resumed or event.error is not None  # it was put off before, so it may have steps
        if resumed and self._manner.everything and event.attempts > len(self._manner.delays):
            await self.set_aside(id, RuntimeError(f"the program ended {event.attempts} times while working on it"))
            return
        self._me = self._me.renewed()
        turn = Turn(id, event.agent, event.conversation, TurnState.OPEN, (event,), self._me.clock.now())
        transcript = None
        try:
            if resumed:
                turn = await self._me.journal.resume(id)
            elif again:
                turn = await self._me.journal.load(id)
            if again:
                self.forget(turn.conversation)  # later turns may have closed before this one
            past = await self._past(turn)
            transcript = Transcript(past)
            closed = await take_turn(turn, transcript, self._me, resumed=again)
            await transcript.close(closed, self._me)
            past.add(closed, transcript.own)
            if again:
                self.forget(turn.conversation)
            self.finish(closed)
        except Left:
            await self._me.journal.give_back(id)
        except StoreError as error:
            self.finish(turn, error)
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails in a turn is that event's failure alone
            await self._failed(turn, error, transcript.shown if transcript else None)

    def finish(self, turn: Turn, error: AnimaError | None = None) -> None:
        """Tell whoever watches or waits how the turn ended."""
        log.info("turn %s of %s is %s", turn.id, turn.agent, turn.state, extra={"agent": turn.agent})
        self._me.tell(Closed, turn, len(turn.steps), result=turn, error=error)
        self._waiting.settle(turn.events[0].id, turn, error)

    def forget(self, conversation: str) -> None:
        """Read this conversation's past anew when it is needed next."""
        self._pasts.pop(conversation, None)

    async def set_aside(self, id: str, error: Exception, shown: tuple[int, str] | None = None) -> None:
        """The event becomes a dead letter, with its evidence."""
        end = Abandonment(id, TurnState.FAILED, EventState.DEAD, str(error) or type(error).__name__, CUT_OFF, shown)
        dead, knock = await self._me.journal.abandon(end)
        if knock is not None:
            self._me.neighbours.knock(knock)
        if dead is not None:
            told = error if isinstance(error, AnimaError) else TurnFailed(f"the turn failed: {end.error}", turn=id)
            self.finish(dead, told)

    async def failed(self, id: str, error: Exception) -> None:
        """The attempt was ended from outside, as failed."""
        await self._failed(await self._me.journal.load(id), error)

    async def _failed(self, turn: Turn, error: Exception, shown: tuple[int, str] | None = None) -> None:
        """What becomes of an event whose attempt failed."""
        foreseen = isinstance(error, AnimaError)
        about = {"agent": self._me.name}
        log.warning("turn %s of %s failed: %s", turn.id, self._me.name, error, exc_info=not foreseen, extra=about)
        self.forget(turn.conversation)
        attempts = turn.events[0].attempts
        outage = isinstance(error, ModelError) and error.unavailable
        hopeless = isinstance(error, ModelError) and not error.retryable
        if not outage and (hopeless or attempts > len(self._manner.delays)):
            await self.set_aside(turn.id, error, shown)
            return
        now = self._me.clock.now()
        waited = now - turn.events[0].time
        delay = min(max(waited, OUTAGE_LEAST), OUTAGE_MOST) if outage else self._manner.delays[attempts - 1]
        await self._me.journal.put_off(turn, now + delay, str(error), counted=not outage)
        self._later(turn.conversation, now + delay)
        if isinstance(error, ModelError) and outage:
            self.finish(await self._me.journal.load(turn.id), error)

    async def _past(self, turn: Turn) -> Past:
        past = self._pasts.get(turn.conversation)
        if past is None:
            past = self._pasts[turn.conversation] = await Past.read(turn, self._me)
            if len(self._pasts) > HOT:
                cold, _ = self._pasts.popitem(last=False)
                self._me.doubtful.pop(cold, None)
        self._pasts.move_to_end(turn.conversation)
        return past
