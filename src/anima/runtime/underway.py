"""Turns under way: who works on each, whether it still gives signs of life, and how one is cut off alone.

A turn that waits for a person or another agent holds no slot, and is not expected to stir. This module does not know
what an attempt at a turn is.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import ParamSpec, TypeVar

from anima.errors import TurnFailed
from anima.vocabulary import Progress

P = ParamSpec("P")
T = TypeVar("T")


class UnderWay:
    """The turns of one agent that are being worked on, `parallel` at a time; `hung_after` is in seconds."""

    def __init__(self, parallel: int, hung_after: float) -> None:
        self.slots = asyncio.Semaphore(parallel)
        self._hung_after = hung_after
        self._turns: dict[str, asyncio.Task[object]] = {}
        self._alive: dict[str, asyncio.Timeout] = {}
        self._fresh: dict[str, float] = {}
        self._apart: set[asyncio.Task[object]] = set()
        self._stops: dict[str, asyncio.Event] = {}

    @property
    def turns(self) -> list[str]:
        """Their ids."""
        return list(self._turns)

    @property
    def busy(self) -> set[asyncio.Task[object]]:
        """Whoever works on a turn and does not wait for somebody else."""
        return set(self._turns.values()) - self._apart

    async def attempt(self, turn: str, work: Awaitable[None]) -> None:
        """Work on a turn; it may be stopped alone. Raises TurnFailed when it gives no sign of life for too long."""
        task = _me()
        self._turns[turn] = task
        try:
            async with asyncio.timeout(None) as self._alive[turn]:
                self._extend(turn)
                await work
        except TimeoutError:
            raise TurnFailed(f"the turn gave no sign of life for {self._hung_after:g} s", turn=turn) from None
        except asyncio.CancelledError:
            if turn not in self._stops:
                raise
            task.uncancel()
        finally:
            del self._turns[turn], self._alive[turn], self._fresh[turn]
            if turn in self._stops:
                self._stops.pop(turn).set()

    async def stop(self, turn: str) -> bool:
        """Cut the work on a turn off and wait until it has ended; whether there was any."""
        task = self._turns.get(turn)
        if task is None:
            return False
        ended = self._stops.setdefault(turn, asyncio.Event())
        task.cancel()
        await ended.wait()
        return True

    def apart(self, wait: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """The same wait, but without a slot and without signs of life."""

        async def waits(*args: P.args, **kwargs: P.kwargs) -> T:
            async with self._without_slot():
                return await wait(*args, **kwargs)

        return waits

    def stirring(self, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """The same report; what is told counts as its turn's sign of life."""

        def tell(news: Progress) -> None:
            self._stir(news.turn)
            report(news)

        return tell

    @contextlib.asynccontextmanager
    async def _without_slot(self) -> AsyncIterator[None]:
        task = _me()
        turns = [turn for turn, worker in self._turns.items() if worker is task]
        self.slots.release()
        self._apart.add(task)
        for turn in turns:
            self._fresh[turn] = math.inf
            self._alive[turn].reschedule(None)
        try:
            yield
        finally:
            self._apart.discard(task)
            await self.slots.acquire()
            for turn in turns:
                self._extend(turn)

    def _stir(self, turn: str) -> None:
        """A sign of life. Tokens come by the hundred: only the first after a tenth of the patience moves the timer."""
        stale = asyncio.get_running_loop().time() > self._fresh.get(turn, math.inf)
        if stale and not self._alive[turn].expired():
            self._extend(turn)

    def _extend(self, turn: str) -> None:
        now = asyncio.get_running_loop().time()
        self._fresh[turn] = now + 0.1 * self._hung_after
        self._alive[turn].reschedule(now + 1.1 * self._hung_after)


def _me() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
