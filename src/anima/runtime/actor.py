"""The actor: one agent alive. It works off its mailbox, each conversation a lane of its own.

A lane is strictly ordered; up to `parallel` lanes run at a time. The actor claims events and hands each to an attempt.
It does not know how a turn thinks, nor what becomes of one that fails.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace

from anima import faults
from anima.agent.effects import let_go
from anima.agent.faculties import Faculties
from anima.errors import StoreError, TurnStopped
from anima.runtime.attempt import CUT_OFF, Attempts, Manner, Waiting
from anima.runtime.bells import Bells
from anima.store import Abandonment
from anima.vocabulary import Call, Event, EventState, Knock, NewEvent, Turn, TurnState

log = logging.getLogger("anima.runtime")

PATIENCE = 60.0
"""Seconds a call waits for another agent's answer; a later one comes as an event of its own."""

UNDER_WAY = frozenset({EventState.RUNNING, EventState.WAITING})


class Actor:
    """One agent's mailbox, worked off. Made by the runtime, which owns it and closes it."""

    def __init__(self, me: Faculties, manner: Manner) -> None:
        approve = me.approve
        self.me = replace(
            me, approve=self._ask if approve else None, neighbours=replace(me.neighbours, listen=self._listen)
        )
        self.waiting = Waiting()
        self._approve = approve
        self._manner = manner
        self._attempts = Attempts(self.me, manner, self.waiting, self._wake_later)
        self._slots = asyncio.Semaphore(manner.parallel)
        self._bells = Bells()
        self._lanes: dict[str, bool] = {}
        self._turns: dict[str, asyncio.Task[object]] = {}
        self._stops: dict[str, asyncio.Event] = {}
        self._dropped: set[str] = set()
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
        tasks, cut_off = list(self._tasks), list(self._turns)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(StoreError):  # a store that failed has said so to whoever asked
            for turn in cut_off:
                await self.me.journal.give_back(turn)
        self.waiting.give_up()

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
            self.waiting.awaited[posted.event.id] = posted.event
        if free:
            self._own(self._work(lane, posted.event if posted.claimed else None))
        elif self._manner.everything or new.awaited:
            self._wake(lane)
        return posted.event

    async def resume(self, event: Event) -> None:
        """Take up the turn of an unfinished event at once, because somebody asked for it."""
        self._lanes[event.conversation] = False
        self._own(self._work(event.conversation, event, resumed=True))

    async def stop_turn(self, turn: str) -> Turn | None:
        """End a turn now, without an answer; its running call is cut off. None when it has ended already."""
        lane = self._turns.get(turn)
        if lane is not None:
            cut_off = self._stops.setdefault(turn, asyncio.Event())
            lane.cancel()
            await cut_off.wait()
        event = await self.me.journal.event("e" + turn[1:])
        if event is not None and event.state in UNDER_WAY:
            await let_go(await self.me.journal.load(turn), self.me)
        end = Abandonment(turn, TurnState.STOPPED, EventState.DROPPED, "stopped", CUT_OFF)
        stopped, knock = await self.me.journal.abandon(end)
        if knock is not None:
            self.me.neighbours.knock(knock)
        if stopped is not None:
            if lane is None and stopped.conversation in self._lanes:
                self._dropped.add(turn)  # it was claimed and waits for a slot
            self._attempts.forget(stopped.conversation)
            self._attempts.finish(stopped, TurnStopped("the turn was stopped", turn=turn))
            self._wake(stopped.conversation)
        return stopped

    def knock(self, knock: Knock) -> None:
        """Something for this agent was put on disk by another."""
        if knock.effect is not None:
            self._bells.ring(knock.effect)
        elif self._manner.everything:
            self._wake(knock.conversation)

    def _wake(self, lane: str) -> None:
        self._bells.ring(lane, keep=False)
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
                    alone = False  # one wake may stand for several events
        except StoreError as error:
            log.error("%s stops working on %s: %s", self.me.name, lane, error)
            for left in [left for left in self.waiting.awaited.values() if left.conversation == lane]:
                turn = Turn("t" + left.id[1:], left.agent, lane, TurnState.OPEN, (left,), left.time)
                self._attempts.finish(turn, error)
        finally:
            self._leave(lane)

    def _more(self, lane: str, alone: bool) -> bool:
        """Whether the lane may hold another event that is to be worked on now."""
        if not (self._manner.everything or self.waiting.awaited):
            return False
        return not alone or self._lanes[lane]

    async def _claim(self, lane: str) -> Event | None:
        self._lanes[lane] = False
        return await self.me.journal.claim(self.me.name, lane)

    async def _guard(self, event: Event, resumed: bool) -> None:
        """One attempt, which can be stopped alone: a stop cancels it and lets the lane go on."""
        turn, lane = event.turn or "t" + event.id[1:], asyncio.current_task()
        assert lane is not None
        if turn in self._dropped:
            self._dropped.discard(turn)
            return
        self._turns[turn] = lane
        try:
            await self._attempts.make(event, turn, resumed=resumed)
        except asyncio.CancelledError:
            if turn not in self._stops:
                raise
            lane.uncancel()
        finally:
            del self._turns[turn]
            if turn in self._stops:
                self._stops.pop(turn).set()

    async def _ask(self, call: Call) -> bool:
        """Ask a person; the wait holds no slot of `parallel`."""
        assert self._approve is not None
        async with self._without_slot():
            return await self._approve(call)

    async def _listen(self, effect: str, conversation: str) -> None:
        """Wait for an answer, for something new in the lane, or until patience ends; it holds no slot either."""
        async with self._without_slot():
            await self._bells.hear((effect, conversation), self.me.clock.sleep(PATIENCE))

    @contextlib.asynccontextmanager
    async def _without_slot(self) -> AsyncIterator[None]:
        self._slots.release()
        try:
            yield
        finally:
            await self._slots.acquire()
