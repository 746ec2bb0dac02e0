"""The actor: one agent alive. It works off its mailbox, each conversation a lane of its own.

A lane is strictly ordered; up to `parallel` lanes run at a time. The actor claims events and hands each to an attempt.
It does not know how a turn thinks, nor what becomes of one that fails.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from anima import faults
from anima.agent.effects import let_go
from anima.agent.faculties import Faculties
from anima.errors import StoreError, TurnFailed, TurnStopped
from anima.runtime.attempt import CUT_OFF, Attempts, Manner, Waiting
from anima.runtime.bells import Bells
from anima.runtime.tasks import Tasks
from anima.runtime.underway import UnderWay
from anima.store import Abandonment, Posted
from anima.vocabulary import Event, EventState, Knock, NewEvent, Turn, TurnState

log = logging.getLogger("anima.runtime")

PATIENCE = 60.0
"""Seconds a call waits for another agent's answer; a later one comes as an event of its own."""

LOOK = 0.1
"""Seconds between looks at turns that are to be left: one of them may have come to wait for somebody."""

UNDER_WAY = frozenset({EventState.RUNNING, EventState.WAITING})


class Actor:
    """One agent's mailbox, worked off. Made by the runtime, which owns it and closes it."""

    def __init__(self, me: Faculties, manner: Manner, waiting: Waiting, crashed: Callable[[Exception], None]) -> None:
        self._under_way = UnderWay(manner.parallel, manner.hung_after)
        self._bells = Bells()

        async def listen(effect: str, conversation: str) -> None:
            await self._bells.hear((effect, conversation), me.clock.sleep(PATIENCE))

        self.me = replace(
            me,
            approve=self._under_way.apart(me.approve) if me.approve else None,
            neighbours=replace(me.neighbours, listen=self._under_way.apart(listen)),
            report=self._under_way.stirring(me.report),
            leaving=lambda: self._leaving,
        )
        self.waiting = waiting
        self._manner = manner
        self._attempts = Attempts(self.me, manner, self.waiting, self._wake_later)
        self._lanes: dict[str, bool] = {}
        self._dropped: set[str] = set()
        self._tasks = Tasks(crashed)
        self._held = self._leaving = self._closing = False

    async def start(self) -> None:
        """Look for work left from before."""
        if not self._manner.everything or self._held:
            return
        now = self.me.clock.now()
        for conversation, _, due in await self.me.journal.pending(self.me.name):
            self._wake(conversation)
            if due > now:
                self._wake_later(conversation, due)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do, now or at a known time."""
        return not (self._tasks or self._lanes or self.waiting or self._closing)

    def hold(self, held: bool) -> None:
        """Begin no turn while held; those under way go on. Whoever lets go looks for work, too."""
        self._held = held

    async def stop(self) -> None:
        """End every turn under way, without an answer."""
        for turn in self._under_way.turns:
            await self.stop_turn(turn)

    async def leave(self, seconds: float | None) -> None:
        """Let every turn go where it can be taken up again; those that are not there in so many seconds are cut off.

        None waits as long as it takes. What is unfinished stays on disk, and whoever waits for it goes on waiting.
        """
        self._held = self._leaving = True
        clock, patience = self.me.clock, float("inf") if seconds is None else seconds
        end = clock.monotonic() + patience
        while (busy := self._under_way.busy) and (left := end - clock.monotonic()) > 0:
            await asyncio.wait(busy, timeout=min(left, LOOK))
        self._closing = True
        cut_off = self._under_way.turns
        await self._tasks.end()
        with contextlib.suppress(StoreError):  # a store that failed has said so to whoever asked
            for turn in cut_off:
                await self.me.journal.give_back(turn)

    async def post(self, new: NewEvent) -> Posted:
        """Keep an event and see to it; returns once it is on disk."""
        lane = new.conversation
        wanted = (self._manner.everything or new.awaited) and not self._held
        free = wanted and lane not in self._lanes and not self._under_way.slots.locked()
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
            self._tasks.begin(self._work(lane, posted.event if posted.claimed else None))
        elif wanted:
            self._wake(lane)
        return posted

    async def resume(self, event: Event) -> None:
        """Take up the turn of an unfinished event at once, because somebody asked for it."""
        self._lanes[event.conversation] = False
        self._tasks.begin(self._work(event.conversation, event, resumed=True))

    async def stop_turn(self, turn: str) -> Turn | None:
        """End a turn now, without an answer; its running call is cut off. None when it has ended already."""
        ran = await self._under_way.stop(turn)
        event = await self.me.journal.event("e" + turn[1:])
        if event is not None and event.state in UNDER_WAY:
            await let_go(await self.me.journal.load(turn), self.me)
        end = Abandonment(turn, TurnState.STOPPED, EventState.DROPPED, "stopped", CUT_OFF)
        stopped, knock = await self.me.journal.abandon(end)
        if knock is not None:
            self.me.neighbours.knock(knock)
        if stopped is not None:
            if not ran and stopped.conversation in self._lanes:
                self._dropped.add(turn)  # it was claimed and waits for a slot
            self._attempts.forget(stopped.conversation)
            self._attempts.finish(stopped, TurnStopped("the turn was stopped", turn=turn))
            self._wake(stopped.conversation)
        elif ran:  # it ended while it was being stopped, and whoever waits was not told
            ended = await self.me.journal.load(turn)
            self._attempts.forget(ended.conversation)
            self._attempts.finish(ended, TurnFailed(ended.error, turn=turn) if ended.error else None)
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
            self._tasks.begin(self._work(lane, None))

    def _wake_later(self, lane: str, due: float) -> None:
        if self._manner.everything:
            self._tasks.begin(self._alarm(lane, max(due - self.me.clock.now(), 0)))

    async def _alarm(self, lane: str, seconds: float) -> None:
        await self.me.clock.sleep(seconds)
        self._wake(lane)

    def _leave(self, lane: str) -> None:
        again = self._lanes.pop(lane)
        if again and not self._closing and not self._held:
            self._wake(lane)

    async def _work(self, lane: str, event: Event | None, *, resumed: bool = False) -> None:
        """Work off one lane until nothing is due in it."""
        try:
            async with self._under_way.slots:
                alone = event is not None and not resumed  # it began with its post: the lane was empty
                if event is None and not self._held:
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
        return None if self._held else await self.me.journal.claim(self.me.name, lane)

    async def _guard(self, event: Event, resumed: bool) -> None:
        """One attempt, which can be stopped alone: the lane then goes on."""
        turn = event.turn or "t" + event.id[1:]
        if turn in self._dropped:
            self._dropped.discard(turn)
            return
        try:
            await self._under_way.attempt(turn, self._attempts.make(event, turn, resumed=resumed))
        except TurnFailed as hung:
            await self._attempts.failed(turn, hung)
