"""The store's one narrow face: use cases with one value each, asynchronous, done when they are on disk.

This module does not know SQL, and nothing above it does either.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from anima.clock import Clock
from anima.errors import NotFound, StoreFull
from anima.store import fork, journal, lease, mailbox, outbox, past, talk, upkeep
from anima.store.disk import Disk
from anima.store.journal import Abandonment, Closing
from anima.store.mailbox import Posted
from anima.store.residents import Residents
from anima.store.rows import number
from anima.store.sqlite import Engine
from anima.store.talk import Written
from anima.store.timers import Timers
from anima.store.waits import Waits
from anima.vocabulary import Effect, Event, Knock, NewEvent, Step, Turn

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("anima.store")

ROOM_WAIT = 5.0
"""Seconds until a patient store looks again whether there is room on the disk."""


class Store:
    """Mailboxes, journal and outbox of a home. Agents are named by their names; ids are as in the vocabulary.

    Every method raises StoreFull, StoreDamaged or StoreClosed when the disk or the store fails; what was refused was
    not kept. On a patient disk (`Disk.patient`) StoreFull is raised by `post` alone: work under way waits for room.
    """

    def __init__(self, engine: Engine, clock: Clock, disk: Disk) -> None:
        self._engine = engine
        self._clock = clock
        self._disk = disk
        self._waits = Waits(clock)
        self._agents: dict[str, int] = {}
        self.residents = Residents(engine, clock)
        self.timers = Timers(engine, clock)

    @classmethod
    async def open(cls, path: Path | None, clock: Clock, disk: Disk | None = None) -> "Store":
        """Open or create the file at `path`; None keeps everything in memory. Verifies it first.

        A large file is verified in the background: until that is done it may be read, and writes are refused.

        Raises StoreForeign, StoreTooNew or StoreDamaged; the file is then not written.
        """
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        disk = disk or Disk()
        return cls(Engine(path, disk), clock, disk)

    async def verified(self) -> None:
        """Wait until a large file has been verified. Raises StoreDamaged."""
        await self._engine.examined()

    async def aclose(self) -> None:
        """Finish what was begun and let the file go."""
        await self._engine.aclose()

    @property
    def commits(self) -> int:
        """Commits made since the store was opened."""
        return self._engine.commits

    @property
    def takes(self) -> bool:
        """Whether new events are taken now: the store is sound, and there is room for them."""
        try:
            if self._engine.path is not None:
                self._disk.refuse_if_low(self._engine.path)
        except StoreFull:
            return False
        return self._engine.takes

    async def adopt(self, agent: str) -> None:
        """Know this agent from now on, and name this process as its owner."""
        key, now = self._clock.new_key(), self._clock.now()
        self._agents[agent] = await self._engine.write(lease.adopt, agent, key, now)

    async def knows(self, agent: str) -> bool:
        """Whether an agent of this name ever lived here."""
        return agent in self._agents or await self._agent(agent) is not None

    async def post(self, new: NewEvent, *, claim: bool = False) -> Posted:
        """Keep an event; with `claim` its turn opens in the same commit where its lane is idle.

        Raises DuplicateEvent when its source id was used for another text, NotFound for an unknown agent, StoreFull
        when the disk has less free space than is kept for work under way.
        """
        if self._engine.path is not None:
            self._disk.refuse_if_low(self._engine.path)
        agent = self._agents.get(new.agent) or await self._agent(new.agent)
        if agent is None:
            raise NotFound(f"no agent is called {new.agent!r} here", "`anima status` shows all agents")
        return await self._engine.write(mailbox.post, agent, new, self._clock.now(), claim)

    async def claim(self, agent: str, conversation: str) -> Event | None:
        """Open the turn of the next due event of an idle lane, or None."""
        waited = self._waits.over()
        event = await self._keep(mailbox.claim, self._agents[agent], conversation, self._clock.now(), waited)
        if event is not None:
            self._waits.end(number(event.id))
        return event

    async def pending(self, agent: str) -> list[tuple[str, bool, float]]:
        """Lanes with work: conversation, whether a turn is under way, when an event is due (wall seconds).

        A lane is named once for each time. Waits that an earlier process began go on from here.
        """
        for event, due in await self._engine.read(mailbox.put_off_until, self._agents[agent]):
            self._waits.begin(event, due)
        return await self._engine.read(mailbox.pending, self._agents[agent])

    async def under_way(self, agent: str, conversation: str) -> Event | None:
        """The event whose turn is under way in this lane, or None."""
        return await self._engine.read(mailbox.under_way, self._agents[agent], conversation)

    async def unfinished(self, agent: str, conversation: str, source: str) -> Event | None:
        """The oldest event `source` posted in this lane that is accepted and not ended, or None."""
        return await self._engine.read(mailbox.unfinished, self._agents[agent], conversation, source)

    async def unprinted(self, agent: str, conversation: str, source: str) -> Turn | None:
        """The newest closed turn here that `source` asked for and whose answer was never handed over, or None."""
        return await self._engine.read(outbox.unprinted, self._agents[agent], conversation, source)

    async def resume(self, turn: str) -> Turn:
        """Take up a turn whose process died; the attempt is counted on disk first."""
        return await self._keep(journal.resume, turn)

    async def load(self, turn: str) -> Turn:
        """A turn under way with all it has on disk, its first step or not."""
        return await self._engine.read(journal.under_way, turn)

    async def give_back(self, turn: str) -> None:
        """Uncount the attempt of a turn that is left in good order."""
        await self._engine.write(mailbox.give_back, number(turn))

    async def write_step(self, turn: Turn, step: Step, joined: Sequence[Event]) -> None:
        """Keep a step with the intents of its calls, and the events that joined the turn before it."""
        await self._keep(journal.write_step, turn, step, joined)

    async def write_effects(self, turn: Turn, effects: Iterable[Effect], messages: Sequence[NewEvent] = ()) -> Written:
        """Keep how far these effects are, with the messages to other agents that they send."""
        return await self._keep(talk.write_effects, turn, tuple(effects), tuple(messages), self._clock.now())

    async def stop_waiting(self, effect: Effect, told: Effect) -> Effect:
        """A call that waits for an answer: with the answer if that came first, else as `told`, which is kept."""
        return await self._keep(talk.stop_waiting, effect, told)

    async def close_turn(self, closing: Closing) -> Knock | None:
        """End a turn: its last step, its events, itself and its reply in one commit. Says who has got its answer."""
        return await self._keep(talk.close_turn, closing)

    async def put_off(self, turn: Turn, due: float, error: str, *, counted: bool = True) -> None:
        """Leave the turn as it is; its event waits in the lane until `due` (wall seconds).

        `counted`: the attempt was the event's own failure.
        """
        self._waits.begin(number(turn.id), due)
        await self._keep(mailbox.put_off, number(turn.id), due, error, counted)

    async def abandon(self, end: Abandonment) -> tuple[Turn | None, Knock | None]:
        """End a turn without an answer; None when there is none or it has ended. Says which agent was told of it."""
        return await self._keep(talk.abandon, end, self._clock.now())

    async def fork(self, turn: str, at: int) -> Turn:
        """A held turn in a conversation of its own that shares the steps of `turn` before step `at`."""
        return await self._keep(fork.fork, turn, at, self._clock.now())

    async def sent(self, turn: str) -> None:
        """Note that the turn's reply was handed over."""
        await self._keep(outbox.sent, turn, self._clock.now())

    async def history(self, agent: str, conversation: str, before: int, limit: int) -> tuple[list[Turn], int]:
        """The last `limit` closed turns before event number `before`, oldest first, and how many there are in all."""
        return await self._engine.read(past.history, self._agents[agent], conversation, before, limit)

    async def unknowns(self, agent: str, conversation: str) -> set[tuple[str, str]]:
        """Calls of this conversation with an unknown outcome: tool, and arguments as compact JSON."""
        return await self._engine.read(journal.unknowns, self._agents[agent], conversation)

    async def turn(self, id: str) -> Turn | None:
        """Turn `t17` with its events, steps and effects, or None."""
        return await self._engine.read(journal.find, id)

    async def turns(self, agent: str | None = None, limit: int = 50) -> list[Turn]:
        """The last turns, newest first, without their steps. Raises NotFound for an unknown agent."""
        who = None if agent is None else await self._agent(agent)
        if agent is not None and who is None:
            raise NotFound(f"no agent is called {agent!r} here", "`anima turn list` shows all")
        return await self._engine.read(journal.newest, who, limit)

    async def event(self, id: str) -> Event | None:
        """Event `e17`, or None."""
        return await self._engine.read(mailbox.find, id)

    async def look(
        self, question: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer to one of this room's questions that only read (`conversations.turns`)."""
        return await self._engine.read(question, *args, **kwargs)

    async def check(self) -> list[str]:
        """What is wrong with the file, a line each; empty when it is sound."""
        return await self._engine.read(upkeep.problems)

    async def _keep(
        self, unit: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Write what belongs to work under way; what was thought and done is not thrown away for want of room."""
        while True:
            try:
                return await self._engine.write(unit, *args, **kwargs)
            except StoreFull as error:
                if not self._disk.patient:
                    raise
                log.warning("%s; work waits until there is room", error)
            await self._clock.sleep(ROOM_WAIT)

    async def _agent(self, name: str) -> int | None:
        return await self._engine.read(upkeep.agent, name)
