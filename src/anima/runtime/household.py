"""The household: who lives in a home, who of them is awake, and what becomes of one that fails.

An idle agent is a row and a name. It gets its lease and its actor when there is something to do, and gives them up
when nothing has been for a while. An actor that fails outside a turn is made anew, and put to rest when that happens
too often; nobody else notices. This module does not know how an agent thinks, or by which door an event came.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anima.agent.faculties import Neighbours
from anima.errors import AgentBusy, AnimaError, NotFound
from anima.runtime.actor import Actor
from anima.runtime.agent import Agent
from anima.runtime.attempt import Waiting
from anima.runtime.making import Maker
from anima.runtime.supervisor import Supervisor
from anima.runtime.tasks import Tasks
from anima.store import Lease, Posted, Standing, Store
from anima.vocabulary import Event, Knock, NewEvent, Turn

log = logging.getLogger("anima.runtime")

IDLE = 30.0
"""Seconds without work after which an agent is let go, at the least; twice that at the most."""
AGAIN = 1.0
"""Seconds until an agent that another process runs is looked at again."""


@dataclass(frozen=True)
class Found:
    """An agent as its settings describe it. `error`: they are wrong now, and it is as they were last right."""

    agent: Agent
    error: str | None = None


class Roster(Protocol):
    """Where agents are looked up when they wake."""

    async def find(self, name: str, store: Store) -> Found | None:
        """The agent of this name, or None. Raises AnimaError when it cannot be made from its settings."""
        ...

    async def names(self, store: Store) -> Iterable[str]:
        """Names that may not have a row yet."""
        ...

    async def faults(self, store: Store) -> dict[str, str]:
        """What is wrong with settings, by agent; "" is the home."""
        ...


@dataclass(frozen=True)
class Awake:
    """An agent at work: the proof that it is ours, and its actor."""

    lease: Lease
    actor: Actor


class Household:
    """All agents of a home. With a `roster` they wake when there is something to do; without one, those taken in
    are all there are."""

    def __init__(self, store: Store, maker: Maker, roster: Roster | None) -> None:
        self.store = store
        self._maker = maker
        self._roster = roster
        self.awake: dict[str, Awake] = {}
        self._waking: dict[str, asyncio.Task[Actor]] = {}
        self.resting: set[str] = set()
        self._supervisor = Supervisor(maker.clock)
        self._waiting: dict[str, Waiting] = {}
        self._names: tuple[str, ...] = ()
        self._tasks = Tasks()
        self._closing = False
        self.troubles: dict[str, str] = {}

    async def take_in(self, agent: Agent, lease: Lease) -> Actor:
        """Bring an agent to life under a lease; it does not look for work yet."""
        await self.store.adopt(agent.name)
        neighbours = Neighbours(lambda: self._names or tuple(sorted(self.awake)), self.knock)
        waiting = self._waiting.setdefault(agent.name, Waiting())
        actor = self._maker.make(agent, neighbours, waiting, lambda error: self._crashed(agent.name, error))
        self.awake[agent.name] = Awake(lease, actor)
        return actor

    async def start(self) -> None:
        """Look for work: of those taken in, or, with a roster, of everybody who has a row or a folder."""
        for awake in list(self.awake.values()):
            await awake.actor.start()
        if self._roster is not None:
            await self.count()
            self.resting = set(await self.store.residents.resting())
            for name in await self.store.residents.at_work():
                self.look(name)
            self._tasks.begin(self._let_idle_go())

    async def count(self) -> None:
        """Give everybody the roster knows a row, where they have none."""
        if self._roster is not None:
            await self.store.residents.enroll(await self._roster.names(self.store))
            self._names = ()

    async def actor(self, name: str) -> Actor:
        """An agent's actor; it wakes for it. Raises NotFound, AgentBusy, or what its settings raise."""
        if name in self.awake:
            return self.awake[name].actor
        if self._roster is None:
            raise NotFound(f"no agent is called {name!r} here", f"there are: {', '.join(self.awake) or 'none'}")
        if name not in self._waking:
            self._waking[name] = asyncio.get_running_loop().create_task(self._wake(name))
            self._waking[name].add_done_callback(lambda task: self._woken(name, task))
        return await asyncio.shield(self._waking[name])

    async def post(self, new: NewEvent) -> Posted:
        """Keep an event and see to it; returns once it is on disk. One for an agent that cannot wake waits there."""
        if self._closing or new.agent in self.resting:
            return await self.store.post(new)
        try:
            actor = await self.actor(new.agent)
        except NotFound:
            raise
        except AnimaError as error:
            log.warning("%s cannot wake: %s", new.agent, error, extra={"agent": new.agent})
            posted = await self.store.post(new)
            self.look(new.agent)
            return posted
        posted = await actor.post(new)
        if self.awake.get(new.agent) is not None and self.awake[new.agent].actor is not actor:
            self.look(new.agent)  # it was made anew meanwhile
        return posted

    def ended(self, event: Event) -> "asyncio.Future[Turn]":
        """Done when the turn of `event` has ended; raises what it ended with. To be called as soon as it is posted."""
        return self._waiting.setdefault(event.agent, Waiting()).ended(event.id)

    def knock(self, knock: Knock) -> None:
        """Something for an agent was put on disk by another one."""
        if knock.agent in self.awake:
            self.awake[knock.agent].actor.knock(knock)
        else:
            self.look(knock.agent)

    def look(self, name: str) -> None:
        """See to what an agent has been sent, unless it rests."""
        if self._roster is not None and not self._closing and name not in self.resting:
            self._tasks.begin(self._look(name))

    async def settle(self, name: str, standing: Standing, note: str | None = None) -> None:
        """Let an agent work or rest; one that is stopped has its running turns ended. Raises NotFound."""
        await self.store.residents.settle(name, standing, note)
        if standing == Standing.ACTIVE:
            self.resting.discard(name)
            self._supervisor.forget(name)
            if name in self.awake:
                self.awake[name].actor.hold(False)
            self.look(name)
            return
        self.resting.add(name)
        if name in self.awake:
            actor = self.awake[name].actor
            actor.hold(True)
            if standing == Standing.STOPPED:
                await actor.stop()

    async def leave(self, seconds: float) -> None:
        """Begin no turn any more; running ones get so long to come to a point from which they can go on."""
        self._closing = True
        await asyncio.gather(*(awake.actor.leave(seconds) for awake in self.awake.values()))

    async def aclose(self) -> None:
        """Let go of everybody; what is unfinished stays on disk."""
        self._closing = True
        await self._tasks.end()
        for task in self._waking.values():
            task.cancel()
        await asyncio.gather(*self._waking.values(), return_exceptions=True)
        for name in list(self.awake):
            await self._dismiss(name)
        for waiting in self._waiting.values():
            waiting.give_up()

    async def _wake(self, name: str) -> Actor:
        assert self._roster is not None
        found = await self._roster.find(name, self.store)
        if found is None:
            raise NotFound(f"no agent is called {name!r} here", "`anima status` shows all agents")
        self.note(name, found.error)
        if not self._names:
            self._names = tuple(await self.store.residents.names())
        with _lease(self._maker.folder / name, name) as lease:
            actor = await self.take_in(found.agent, lease)
        await actor.start()
        return actor

    def _woken(self, name: str, task: asyncio.Task[Actor]) -> None:
        del self._waking[name]
        if not task.cancelled():
            task.exception()  # told to whoever waits; nobody may be waiting

    async def _look(self, name: str) -> None:
        """Wake an agent, and find what it has been sent; wait for its lease where another process has it."""
        try:
            already = name in self.awake
            actor = await self.actor(name)
            if already:
                await actor.start()
        except AgentBusy:
            await self._maker.clock.sleep(AGAIN)
            self.look(name)
        except AnimaError as error:
            self.note(name, str(error))
        except OSError as error:
            self._crashed(name, error)

    def note(self, name: str, error: str | None) -> None:
        """Remember what is wrong with an agent's settings, for `status`."""
        if error is None:
            self.troubles.pop(name, None)
        elif self.troubles.get(name) != error:
            self.troubles[name] = error
            log.error("%s: %s", name, error, extra={"agent": name})

    def _crashed(self, name: str, error: Exception) -> None:
        """An actor failed outside a turn: make it anew, or, when that happens too often, let the agent rest."""
        log.error("%s failed outside a turn", name, exc_info=error, extra={"agent": name})
        if not self._closing:
            self._tasks.begin(self._recover(name, error, self._supervisor.bears(name)))

    async def _recover(self, name: str, error: Exception, borne: bool) -> None:
        if not borne:
            often = f"it failed {self._supervisor.intensity + 1} times in {self._supervisor.seconds:.0f} s"
            await self.settle(name, Standing.PAUSED, f"{often}, last with {type(error).__name__}: {error}")
        elif self._roster is None:
            await self.awake[name].actor.start()
        else:
            await self._dismiss(name)
            self.look(name)

    async def _dismiss(self, name: str) -> None:
        """Let an agent go, if it is awake."""
        awake = self.awake.get(name)
        if awake is None:
            return
        await awake.actor.leave(0)
        if self.awake.pop(name, None) is not None:
            awake.lease.release()

    async def _let_idle_go(self) -> None:
        """Those who had nothing to do at two looks in a row are let go."""
        quiet: set[str] = set()
        while True:
            await self._maker.clock.sleep(IDLE)
            idle = {name for name, awake in self.awake.items() if awake.actor.idle}
            for name in idle & quiet:
                self.awake.pop(name).lease.release()  # nothing awaits between: nobody posts to it meanwhile
                del self._waiting[name]
            quiet = idle


@contextlib.contextmanager
def _lease(folder: Path, name: str) -> Iterator[Lease]:
    """A lease that is given back when what follows fails."""
    lease = Lease(folder, name)
    try:
        yield lease
    except BaseException:
        lease.release()
        raise
