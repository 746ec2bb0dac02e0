"""The schedule: posts an event whenever an agent's timer is due.

When it is due next is on disk. A time that passed while nobody was there is made up for once, however many there were;
one that comes while the agent is busy or rests is skipped, and both are noted. An event bears its time as its id, so
that a program that dies between posting and noting posts it once. This module does not know who has a timer.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anima.clock import Clock
from anima.errors import AnimaError, NotFound
from anima.store import Posted
from anima.store.timers import Occurrence, Timers
from anima.vocabulary import OWNER, NewEvent

log = logging.getLogger("anima.triggers")

CONVERSATION = "timer:heartbeat"
LOOK = 60.0
"""Seconds between looks at who has a timer."""
PUNCTUAL = 60.0
"""Seconds after which a time is late."""

Post = Callable[[NewEvent], Awaitable[Posted]]


@dataclass(frozen=True, slots=True)
class Timer:
    """An agent is told `message` every so many seconds."""

    every: float
    message: str


@asynccontextmanager
async def attending(listening: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Listen to a trigger while the block runs."""
    task = asyncio.create_task(listening)
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _ended(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        log.error("a trigger has ended by itself", exc_info=task.exception())


class Schedule:
    """The timers of a home. `find` says who has one now."""

    name = "timer"

    def __init__(self, timers: Timers, find: Callable[[], Awaitable[Mapping[str, Timer]]], clock: Clock) -> None:
        self._timers = timers
        self._find = find
        self._clock = clock
        self._known: dict[str, Timer] = {}
        self._due: dict[str, float] = {}

    async def listen(self, post: Post) -> None:
        """Post what is due, for ever."""
        while True:
            try:
                await self._look()
                for agent, due in sorted(self._due.items(), key=lambda each: each[1]):
                    if due <= self._clock.now():
                        await self._go_off(agent, due, post)
            except AnimaError as error:
                log.error("timers: %s", error)
                await self._clock.sleep(LOOK)
            first = min(self._due.values(), default=math.inf)
            await self._clock.sleep(min(max(first - self._clock.now(), 0.0), LOOK))

    async def _look(self) -> None:
        """Take up timers that are new or changed, and let go of those that are no more."""
        found = dict(await self._find())
        for agent in self._known.keys() - found.keys():
            await self._timers.unschedule(agent)
            self._due.pop(agent, None)
        for agent, timer in found.items():
            before = self._known.get(agent)
            if before is None or before.every != timer.every:
                self._due[agent] = await self._timers.schedule(agent, timer.every)
        self._known = found

    async def _go_off(self, agent: str, due: float, post: Post) -> None:
        timer, now = self._known[agent], self._clock.now()
        missed = int((now - due) // timer.every)
        following = due + timer.every * (missed + 1)
        occurrence = await self._tell(agent, due, post)
        if occurrence.event is not None and (missed or now - due > PUNCTUAL):
            note = f"{now - due:.0f} s late" + (f", for {missed + 1} times at once" if missed else "")
            occurrence = Occurrence(agent, due, "late", note, occurrence.event)
        await self._timers.occurred(occurrence, following)
        self._due[agent] = following

    async def _tell(self, agent: str, due: float, post: Post) -> Occurrence:
        """Post the event of one time, unless it is not welcome now."""
        id = f"heartbeat {due:.3f}"
        if hindrance := await self._timers.hindrance(agent, id):
            return Occurrence(agent, due, "skipped", hindrance)
        try:
            posted = await post(NewEvent(agent, CONVERSATION, self._known[agent].message, OWNER, self.name, id))
        except NotFound as error:
            return Occurrence(agent, due, "skipped", str(error))
        return Occurrence(agent, due, "ran", event=posted.event.id)
