"""The actor: one agent alive. It works off its mailbox, each conversation a lane of its own.

A lane is strictly ordered; up to `parallel` lanes run at a time. The actor claims events, hands each to the turn, and
decides what becomes of one that failed: again later, or set aside. It does not know how a turn thinks.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, replace

from anima import faults
from anima.agent.context import Past, Transcript
from anima.agent.effects import let_go
from anima.agent.faculties import Faculties
from anima.agent.turn import take_turn
from anima.errors import AnimaError, ModelError, StoreError, TurnFailed, TurnStopped
from anima.store import Abandonment
from anima.vocabulary import Call, Closed, Event, EventState, NewEvent, Turn, TurnState

log = logging.getLogger("anima.runtime")

HOT = 256
"""Conversations whose past is kept in memory."""

OUTAGE_LEAST, OUTAGE_MOST = 5.0, 600.0
"""Seconds until an event is tried again while no model can be reached: as long as it has waited, within these."""

UNDER_WAY = frozenset({EventState.RUNNING, EventState.WAITING})

CUT_OFF = (
    "The outcome of this call is unknown: the turn was ended while it ran. It may have happened, wholly or in part."
)


@dataclass(frozen=True)
class Manner:
    """How an actor works: everything in its mailbox or only what it is asked, and how often it tries again.

    `delays` are seconds between the attempts of an event that fails; none means one attempt.
    """

    everything: bool
    parallel: int
    delays: tuple[float, ...]


class Actor:
    """One agent's mailbox, worked off. Made by the runtime, which owns it and closes it."""

    def __init__(self, me: Faculties, manner: Manner) -> None:
        approve = me.approve
        self.me = replace(me, approve=self._ask) if approve else me
        self._approve = approve
        self._manner = manner
        self._slots = asyncio.Semaphore(manner.parallel)
        self._lanes: dict[str, bool] = {}
        self._pasts: OrderedDict[str, Past] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[Turn]] = {}
        self._awaited: set[str] = set()
        self._attempts: dict[str, asyncio.Task[object]] = {}
        self._stops: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        """Look for work left from before."""
        if not self._manner.everything:
            return
        for conversation, _, due in await self.me.journal.pending(self.me.name):
            self._wake(conversation)
            self._wake_later(conversation, due)

    async def aclose(self) -> None:
        """Let go of every lane; what is unfinished stays on disk and is found again."""
        self._closing = True
        tasks, cut_off = list(self._tasks), list(self._attempts)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for turn in cut_off:
            await self.me.journal.give_back(turn)
        for future in self._waiting.values():
            future.cancel()

    async def post(self, new: NewEvent) -> Event:
        """Keep an event and see to it; returns once it is on disk."""
        lane = new.conversation
        free = lane not in self._lanes and not self._slots.locked() and (self._manner.everything or new.awaited)
        if free:
            self._lanes[lane] = False  # nobody else may start this lane while the commit is under way
        try:
            posted = await self.me.journal.post(new, claim=free)
            faults.reach("event.posted")
        except BaseException:
            if free:
                self._leave(lane)
            raise
        if new.awaited:
            self._awaited.add(posted.event.id)
        if free:
            self._own(self._work(lane, posted.event if posted.claimed else None))
        elif self._manner.everything or new.awaited:
            self._wake(lane)
        return posted.event

    async def resume(self, event: Event) -> None:
        """Take up the turn of an unfinished event at once, because somebody asked for it."""
        self._lanes[event.conversation] = False
        self._own(self._work(event.conversation, event, resumed=True))

    def ended(self, event: str) -> "asyncio.Future[Turn]":
        """Done when the turn of `event` has ended; raises what it ended with."""
        future = self._waiting.get(event)
        if future is None:
            future = self._waiting[event] = asyncio.get_running_loop().create_future()
        return future

    async def stop_turn(self, turn: str) -> Turn | None:
        """End a turn now, without an answer; its running call is cut off. None when it has ended already."""
        lane = self._attempts.get(turn)
        if lane is not None:
            cut_off = self._stops.setdefault(turn, asyncio.Event())
            lane.cancel()
            await cut_off.wait()
        event = await self.me.journal.event("e" + turn[1:])
        if event is not None and event.state in UNDER_WAY:
            await let_go(await self.me.journal.load(turn), self.me)
        end = Abandonment(turn, TurnState.STOPPED, EventState.DROPPED, "stopped", CUT_OFF)
        stopped = await self.me.journal.abandon(end)
        if stopped is not None:
            self._pasts.pop(stopped.conversation, None)
            self._finish(stopped, TurnStopped("the turn was stopped", turn=turn))
            self._wake(stopped.conversation)
        return stopped

    def _wake(self, lane: str) -> None:
        if lane in self._lanes:
            self._lanes[lane] = True
        else:
            self._lanes[lane] = False
            self._own(self._work(lane, None))

    def _wake_later(self, lane: str, due: float) -> None:
        if self._manner.everything and due > self.me.clock.now():
            self._own(self._alarm(lane, due - self.me.clock.now()))

    async def _alarm(self, lane: str, seconds: float) -> None:
        await self.me.clock.sleep(seconds)
        self._wake(lane)

    def _own(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave(self, lane: str) -> None:
        again = self._lanes.pop(lane)
        if again and not self._closing:
            self._wake(lane)

    async def _work(self, lane: str, event: Event | None, *, resumed: bool = False) -> None:
        """Work off one lane until nothing is due in it."""
        try:
            async with self._slots:
                alone = event is not None and not resumed  # it began with its post: the lane was empty
                if event is None:
                    event = await self.me.journal.under_way(self.me.name, lane)
                    resumed = event is not None
                while event is not None or (event := await self._claim(lane)) is not None:
                    await self._guard(event, resumed)
                    event, resumed = None, False
                    if not self._more(lane, alone):
                        break
        except StoreError as error:
            log.error("%s stops working on %s: %s", self.me.name, lane, error)
            self._fail_all(error)
        finally:
            self._leave(lane)

    def _more(self, lane: str, alone: bool) -> bool:
        """Whether the lane may hold another event that is to be worked on now."""
        if not (self._manner.everything or self._awaited):
            return False
        return not alone or self._lanes[lane]

    async def _claim(self, lane: str) -> Event | None:
        self._lanes[lane] = False
        return await self.me.journal.claim(self.me.name, lane)

    async def _guard(self, event: Event, resumed: bool) -> None:
        """One attempt, which can be stopped alone: a stop cancels it and lets the lane go on."""
        turn, lane = event.turn or "t" + event.id[1:], asyncio.current_task()
        assert lane is not None
        self._attempts[turn] = lane
        try:
            await self._attempt(event, turn, resumed)
        except asyncio.CancelledError:
            if turn not in self._stops:
                raise
            lane.uncancel()
        finally:
            del self._attempts[turn]
            if turn in self._stops:
                self._stops.pop(turn).set()

    async def _attempt(self, event: Event, id: str, resumed: bool) -> None:
        again = resumed or event.error is not None  # it was put off before, so it may have steps
        if resumed:
            if self._manner.everything and event.attempts > len(self._manner.delays):
                await self._set_aside(id, RuntimeError(f"the program ended {event.attempts} times while working on it"))
                return
            turn = await self.me.journal.resume(id)
        elif again:
            turn = await self.me.journal.load(id)
        else:
            turn = Turn(id, event.agent, event.conversation, TurnState.OPEN, (event,), self.me.clock.now())
        try:
            past = await self._past(turn)
            transcript = Transcript(past)
            closed = await take_turn(turn, transcript, self.me, resumed=again)
            await transcript.close(closed, self.me)
            past.add(transcript)
            self._finish(closed)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails in a turn is that event's failure alone
            await self._failed(turn, turn.events[0].attempts, error)

    async def _failed(self, turn: Turn, attempts: int, error: Exception) -> None:
        """What becomes of an event whose attempt failed."""
        log.warning(
            "turn %s of %s failed: %s", turn.id, self.me.name, error, exc_info=not isinstance(error, AnimaError)
        )
        self._pasts.pop(turn.conversation, None)
        outage = isinstance(error, ModelError) and error.unavailable
        hopeless = isinstance(error, ModelError) and not error.retryable
        if not outage and (hopeless or attempts > len(self._manner.delays)):
            await self._set_aside(turn.id, error)
            return
        now = self.me.clock.now()
        waited = now - turn.events[0].time
        delay = min(max(waited, OUTAGE_LEAST), OUTAGE_MOST) if outage else self._manner.delays[attempts - 1]
        await self.me.journal.put_off(turn, now + delay, str(error), counted=not outage)
        self._wake_later(turn.conversation, now + delay)
        if isinstance(error, ModelError) and outage:
            self._finish(await self.me.journal.load(turn.id), error)

    async def _set_aside(self, id: str, error: Exception) -> None:
        """The event becomes a dead letter, with its evidence."""
        end = Abandonment(id, TurnState.FAILED, EventState.DEAD, str(error) or type(error).__name__, CUT_OFF)
        dead = await self.me.journal.abandon(end)
        if dead is not None:
            told = error if isinstance(error, AnimaError) else TurnFailed(f"the turn failed: {end.error}", turn=id)
            self._finish(dead, told)

    def _finish(self, turn: Turn, error: AnimaError | None = None) -> None:
        """Tell whoever watches or waits how the turn ended."""
        self.me.tell(Closed, turn, len(turn.steps), result=turn, error=error)
        self._awaited.discard(turn.events[0].id)
        future = self._waiting.pop(turn.events[0].id, None)
        if future is None or future.done():
            return
        if error is None:
            future.set_result(turn)
        else:
            future.set_exception(error)

    def _fail_all(self, error: StoreError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    async def _past(self, turn: Turn) -> Past:
        past = self._pasts.get(turn.conversation)
        if past is None:
            past = self._pasts[turn.conversation] = await Past.read(turn, self.me)
            if len(self._pasts) > HOT:
                cold, _ = self._pasts.popitem(last=False)
                self.me.doubtful.pop(cold, None)
        self._pasts.move_to_end(turn.conversation)
        return past

    async def _ask(self, call: Call) -> bool:
        """Ask a person; the wait holds no slot of `parallel`."""
        assert self._approve is not None
        self._slots.release()
        try:
            return await self._approve(call)
        finally:
            await self._slots.acquire()
