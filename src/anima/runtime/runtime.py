"""The runtime: one process keeping agents alive.

It owns the store, the leases, the providers and an actor for each agent, and is the door by which every event comes
in. It does not know how an agent thinks or what a channel looks like.
"""

import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeVar, overload

from pydantic import TypeAdapter, ValidationError

from anima import faults
from anima.clock import Clock, SystemClock
from anima.errors import LimitReached, MalformedAnswer, NotFound, NothingToResume, UnfinishedTurn, UsageError
from anima.models.providers import Providers
from anima.runtime.agent import Agent
from anima.runtime.door import Line, Wish, door_of, open_door
from anima.runtime.household import Household, Roster
from anima.runtime.making import Maker
from anima.runtime.metrics import Metrics
from anima.runtime.watch import Gallery
from anima.settings import home_folder
from anima.store import Disk, Files, Lease, Store
from anima.vocabulary import Approver, Attachment, Closed, EventState, Label, NewEvent, Progress, Trust, Turn

T = TypeVar("T")

ENDED = frozenset({EventState.ANSWERED, EventState.DEAD, EventState.DROPPED})


@dataclass(frozen=True)
class Mode:
    """How a runtime works.

    `attend`: `all` works off every mailbox and tries again what fails; `asked` works only on conversations somebody
    asks in, and tries once. `in_memory` keeps nothing. `store` names a file other than `anima.db` of the home. A turn
    that gives no sign of life for `hung_after` seconds is cut off and has failed.
    """

    attend: Literal["all", "asked"] = "all"
    in_memory: bool = False
    store: Path | None = None
    disk: Disk = field(default_factory=Disk)
    hung_after: float = 900.0


class Runtime:
    """Agents, alive while the `async with` block runs; what they have not finished goes on in the next one.

    `home` is the folder that holds everything (None: nothing is kept). `approve` is asked about calls that need a
    person's yes; without it they are denied. With a `roster` the agents are those it knows: each wakes when it has
    something to do, from `household.start()` on. Raises AgentBusy when another process runs one of the agents, and
    StoreError when the store cannot be used.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        agents: Sequence[Agent] = (),
        *,
        roster: Roster | None = None,
        approve: Approver | None = None,
        mode: Mode | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._home = None if home is None else Path(home)
        self._agents = agents
        self._roster = roster
        self._approve = approve
        self._mode = mode or Mode()
        self._clock = clock or SystemClock()
        self.gallery = Gallery()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            home = self._home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anima-")))
            for folder in (home, home / "agents"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._roster is not None:
                stack.callback(Lease(home, "this home").release)
            leases = _leases(home / "agents", self._agents, stack)
            await self._open_store(home, stack)
            self.household = Household(self.store, self._maker(home, stack), self._roster)
            stack.push_async_callback(self.household.aclose)
            for agent in self._agents:
                await self.household.take_in(agent, leases[agent.name])
                del leases[agent.name]
                if self._home is not None:
                    await stack.enter_async_context(open_door(door_of(home / "agents" / agent.name), self._grant))
            if self._roster is None:
                await self.household.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self.gallery.close()

    async def _open_store(self, home: Path, stack: AsyncExitStack) -> None:
        nothing_kept = self._mode.in_memory or self._home is None
        path = None if nothing_kept else self._mode.store or home / "anima.db"
        disk = replace(self._mode.disk, patient=self._mode.attend == "all")
        self.store = await Store.open(path, self._clock, disk)
        stack.push_async_callback(self.store.aclose)
        await self.store.verified()
        self.files = Files(home / "files")

    def _maker(self, home: Path, stack: AsyncExitStack) -> Maker:
        providers = Providers(self._clock, (self._home or home_folder()) / "models")
        stack.push_async_callback(providers.aclose)
        return Maker(
            home / "agents",
            self.store,
            self.files,
            providers,
            self._clock,
            self.gallery.report,
            self._approve,
            self._mode.attend == "all",
            self._mode.hung_after,
        )

    @property
    def metrics(self) -> Metrics:
        """What happened since the start."""
        return self.gallery.metrics

    async def post(
        self,
        agent: str,
        text: str,
        *,
        conversation: str = "python:main",
        id: str | None = None,
        trust: Literal["owner", "member", "untrusted"] = "owner",
        source: str = "python",
    ) -> str:
        """Give an agent something to answer; returns the event's id once it is on disk.

        `id` is the sender's own id for it: the same id twice is one event. `source` is the door it came by; the reply
        to any but Python waits in the outbox until it is noted as `printed`. Raises DuplicateEvent when the id was
        used for another text.
        """
        new = NewEvent(agent, conversation, text, _label(trust, source), source, id)
        return (await self.household.post(new)).event.id

    @overload
    async def ask(self, agent: str, text: str, *, conversation: str = ...) -> str: ...
    @overload
    async def ask(self, agent: str, text: str, *, conversation: str = ..., answer: type[T]) -> T: ...
    async def ask(
        self, agent: str, text: str, *, conversation: str = "python:main", answer: type[T] | None = None
    ) -> T | str:
        """The agent's answer to `text`; an object of type `answer`, validated, where that is given.

        Raises NoModelReachable (the task is kept and tried again), TurnFailed, LimitReached (`details["answer"]` is
        what there is), or MalformedAnswer when two tries did not give a valid object.
        """
        if answer is None:
            return await self._ask(agent, text, conversation)
        adapter = TypeAdapter(answer)
        request = f"{text}\n\nAnswer with JSON alone that fits this schema: {json.dumps(adapter.json_schema())}"
        for _ in range(2):
            given = await self._ask(agent, request, conversation)
            try:
                return adapter.validate_json(_without_fence(given))
            except ValidationError as error:
                problem = error
                request = f"That does not fit the schema: {problem}\nAnswer again, with JSON alone."
        raise MalformedAnswer(f"the answer does not fit {answer!r}: {problem}", "ask more simply, or use another model")

    async def _ask(self, agent: str, text: str, conversation: str) -> str:
        await self._refuse_if_unfinished(agent, conversation, "python")
        new = NewEvent(agent, conversation, text, _label("owner", "python"), "python", awaited=True)
        posted = await self.household.post(new)
        turn = await self.household.ended(posted.event)
        if turn.limit is not None:
            raise LimitReached(turn.notice, "raise the limit, or ask for less", answer=turn.answer, turn=turn.id)
        return turn.answer

    async def stream(
        self,
        agent: str,
        text: str,
        *,
        conversation: str = "python:main",
        source: str = "python",
        attachments: Sequence[Attachment] = (),
    ) -> AsyncIterator[Progress]:
        """Give an agent something to answer and watch the turn; the last item is always Closed.

        Leaving early leaves the turn going on. Raises UnfinishedTurn in `asked` mode when earlier work comes first.
        """
        await self._refuse_if_unfinished(agent, conversation, source)
        new = NewEvent(
            agent, conversation, text, _label("owner", source), source, attachments=tuple(attachments), awaited=True
        )
        watch = self.gallery.watch(lambda news: news.agent == agent and news.conversation == conversation)
        try:
            turn = "t" + (await self.household.post(new)).event.id[1:]
            async for news in watch:
                if news.turn == turn:
                    yield news
                    if isinstance(news, Closed):
                        return
        finally:
            watch.close()

    async def _refuse_if_unfinished(self, agent: str, conversation: str, source: str) -> None:
        if self._mode.attend == "all":
            return
        await self.household.actor(agent)
        left = await self.store.unfinished(agent, conversation, source)
        if left is None:
            return
        known = await self.store.turn("t" + left.id[1:]) is not None
        what = f"turn t{left.id[1:]}" if known else f"event {left.id}"
        raise UnfinishedTurn(
            f"{agent} has not finished {what} in {conversation}",
            f"`--resume` goes on with it; `anima turn stop t{left.id[1:]}` drops it",
            agent=agent,
            conversation=conversation,
            event=left.id,
            turn="t" + left.id[1:],
        )

    async def resume(self, agent: str, conversation: str, *, source: str = "cli") -> AsyncIterator[Progress]:
        """Go on with unfinished work of a conversation; a closed answer nobody has seen yet is just Closed.

        Raises NothingToResume.
        """
        actor = await self.household.actor(agent)
        left = await self.store.unfinished(agent, conversation, source)
        if left is None:
            turn = await self.store.unprinted(agent, conversation, source)
            if turn is None:
                raise NothingToResume(f"{agent} has nothing unfinished in {conversation}", "give it a new task")
            yield Closed(self._clock.now(), agent, conversation, turn.id, len(turn.steps), turn)
            return
        id = "t" + left.id[1:]
        watch = self.gallery.watch(lambda news: news.turn == id)
        try:
            await actor.resume(left)
            async for news in watch:
                yield news
                if isinstance(news, Closed):
                    return
        finally:
            watch.close()

    def watch(self, agent: str | None = None) -> AsyncIterator[Progress]:
        """Live news of one agent, or of all, from this call on, until the runtime closes.

        A watcher that does not look loses the oldest news.
        """
        return self.gallery.watch(lambda news: agent is None or news.agent == agent).stream()

    async def printed(self, turn: str) -> None:
        """Note that a turn's answer was handed to the person who asked."""
        faults.reach("outbox.sent")
        await self.store.sent(turn)
        faults.reach("outbox.acknowledged")

    async def _grant(self, wish: Wish) -> AsyncGenerator[Line, None]:
        """What other processes of the same person may ask for at the door."""
        turn = wish.get("turn")
        if wish.get("do") != "stop_turn" or not isinstance(turn, str):
            raise UsageError("this door only knows stop_turn", "use the same version of anima on both sides")
        await self.stop_turn(turn)
        yield {"turn": turn}

    async def stop_turn(self, turn: str) -> Turn:
        """End a turn without an answer, now; whoever waits for it gets TurnStopped. Raises NotFound."""
        event = await self.store.event("e" + turn[1:])
        stopped = await (await self.household.actor(event.agent)).stop_turn(turn) if event else None
        if stopped is None:
            raise NotFound(f"no turn {turn} is open", "`anima turn list` shows all turns")
        return stopped

    def keep_file(self, path: Path) -> Attachment:
        """Take a file into the home, for `attachments`. Raises UsageError for one that cannot be taken."""
        return self.files.keep(path)


def _leases(folder: Path, agents: Sequence[Agent], stack: AsyncExitStack) -> dict[str, Lease]:
    """The leases of all agents; those nobody takes over are given back with the stack."""
    leases: dict[str, Lease] = {}
    stack.callback(_release, leases)
    for agent in agents:
        leases[agent.name] = Lease(folder / agent.name, agent.name)
    return leases


def _release(leases: dict[str, Lease]) -> None:
    for lease in leases.values():
        lease.release()


def _label(trust: str, source: str) -> Label:
    readers = frozenset({"owner"}) if trust == "owner" else frozenset[str]()
    return Label(Trust[trust.upper()], readers, frozenset({source}))


def _without_fence(text: str) -> str:
    """JSON without the Markdown fence many models put round it."""
    text = text.strip()
    return text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
