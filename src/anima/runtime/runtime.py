"""The runtime: one process keeping agents alive.

It owns the store, the leases, the providers and an actor for each agent, and is the door by which every event comes
in. It does not know how an agent thinks or what a channel looks like.
"""

import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeVar, overload

from pydantic import TypeAdapter, ValidationError

from anima import faults
from anima.agent.faculties import Faculties, Neighbours
from anima.clock import Clock, SystemClock
from anima.errors import LimitReached, MalformedAnswer, NotFound, NothingToResume, UnfinishedTurn, UsageError
from anima.models.model import Model
from anima.models.providers import Providers
from anima.policy import Grants
from anima.runtime.actor import Actor
from anima.runtime.agent import Agent
from anima.runtime.attempt import Manner
from anima.runtime.door import Wish, door_of, open_door
from anima.runtime.metrics import Metrics
from anima.runtime.watch import Gallery
from anima.settings import ModelRef, home_folder
from anima.store import Disk, Files, Lease, Store
from anima.tools.toolbox import Toolbox
from anima.vocabulary import Approver, Attachment, Closed, EventState, Knock, Label, NewEvent, Progress, Trust, Turn

T = TypeVar("T")

ENDED = frozenset({EventState.ANSWERED, EventState.DEAD, EventState.DROPPED})


@dataclass(frozen=True)
class Mode:
    """How a runtime works.

    `attend`: `all` works off every mailbox and tries again what fails; `asked` works only on conversations somebody
    asks in, and tries once. `in_memory` keeps nothing. `store` names a file other than `anima.db` of the home.
    """

    attend: Literal["all", "asked"] = "all"
    in_memory: bool = False
    store: Path | None = None
    disk: Disk = field(default_factory=Disk)


class Runtime:
    """Agents, alive while the `async with` block runs; what they have not finished goes on in the next one.

    `home` is the folder that holds everything (None: nothing is kept). `approve` is asked about calls that need a
    person's yes; without it they are denied. Raises AgentBusy when another process runs one of the agents, and
    StoreError when the store cannot be used.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        agents: Sequence[Agent] = (),
        *,
        approve: Approver | None = None,
        mode: Mode | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._home = None if home is None else Path(home)
        self._agents = agents
        self._approve = approve
        self._mode = mode or Mode()
        self._clock = clock or SystemClock()
        self._gallery = Gallery()
        self._actors: dict[str, Actor] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            home = self._home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anima-")))
            for folder in (home, home / "agents"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for agent in self._agents:
                lease = Lease(home / "agents" / agent.name, agent.name)
                stack.callback(lease.release)
            nothing_kept = self._mode.in_memory or self._home is None
            path = None if nothing_kept else self._mode.store or home / "anima.db"
            disk = replace(self._mode.disk, patient=self._mode.attend == "all")
            self.store = await Store.open(path, self._clock, disk)
            stack.push_async_callback(self.store.aclose)
            await self.store.verified()
            self.files = Files(home / "files")
            models = (self._home or home_folder()) / "models"
            providers = Providers(self._clock, models)
            stack.push_async_callback(providers.aclose)
            for agent in self._agents:
                await self.store.adopt(agent.name)
                actor = self._actors[agent.name] = self._actor(agent, home, providers)
                stack.push_async_callback(actor.aclose)
                if self._home is not None:
                    await stack.enter_async_context(open_door(door_of(home / "agents" / agent.name), self._grant))
            for actor in self._actors.values():
                await actor.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _actor(self, agent: Agent, home: Path, providers: Providers) -> Actor:
        toolbox = Toolbox(agent.tools, self._clock)
        names = frozenset(spec.name for spec in toolbox.specs)
        folder = home / "agents" / agent.name
        workspace = agent.workspace or folder / "workspace"
        workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
        me = Faculties(
            agent.name,
            agent.persona,
            _model(agent, providers),
            toolbox,
            _grants(agent, names),
            self.store,
            self._clock,
            workspace.resolve(),
            folder / "effects",
            agent.think,
            agent.limits,
            self.files.read,
            self._gallery.report,
            self._approve,
            Neighbours(lambda: tuple(sorted(self._actors)), self._knock),
        )
        everything = self._mode.attend == "all"
        return Actor(me, Manner(everything, agent.parallel, agent.retry.event_delays if everything else ()))

    @property
    def metrics(self) -> Metrics:
        """What happened since the start."""
        return self._gallery.metrics

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
        return (await self._actor_of(agent).post(new)).id

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
        actor = self._actor_of(agent)
        await self._refuse_if_unfinished(agent, conversation, "python")
        event = await actor.post(NewEvent(agent, conversation, text, _label("owner", "python"), "python", awaited=True))
        turn = await actor.waiting.ended(event.id)
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
        actor = self._actor_of(agent)
        await self._refuse_if_unfinished(agent, conversation, source)
        new = NewEvent(
            agent, conversation, text, _label("owner", source), source, attachments=tuple(attachments), awaited=True
        )
        watch = self._gallery.watch(lambda news: news.agent == agent and news.conversation == conversation)
        try:
            event = await actor.post(new)
            turn = "t" + event.id[1:]
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
        actor = self._actor_of(agent)
        left = await self.store.unfinished(agent, conversation, source)
        if left is None:
            yield await self._unseen(agent, conversation, source)
            return
        turn = "t" + left.id[1:]
        watch = self._gallery.watch(lambda news: news.turn == turn)
        try:
            await actor.resume(left)
            async for news in watch:
                yield news
                if isinstance(news, Closed):
                    return
        finally:
            watch.close()

    async def _unseen(self, agent: str, conversation: str, source: str) -> Closed:
        turn = await self.store.unprinted(agent, conversation, source)
        if turn is None:
            raise NothingToResume(f"{agent} has nothing unfinished in {conversation}", "give it a new task")
        return Closed(self._clock.now(), agent, conversation, turn.id, len(turn.steps), turn)

    async def watch(self, agent: str | None = None) -> AsyncIterator[Progress]:
        """Live news of one agent, or of all, from now on. A watcher that does not look loses the oldest news."""
        watch = self._gallery.watch(lambda news: agent is None or news.agent == agent)
        try:
            async for news in watch:
                yield news
        finally:
            watch.close()

    async def printed(self, turn: str) -> None:
        """Note that a turn's answer was handed to the person who asked."""
        faults.reach("outbox.sent")
        await self.store.sent(turn)
        faults.reach("outbox.acknowledged")

    def _knock(self, knock: Knock) -> None:
        """Wake whom another agent has left something for, if they live in this process."""
        actor = self._actors.get(knock.agent)
        if actor is not None:
            actor.knock(knock)

    async def _grant(self, wish: Wish) -> dict[str, object]:
        """What other processes of the same person may ask for at the door."""
        turn = wish.get("turn")
        if wish.get("do") != "stop_turn" or not isinstance(turn, str):
            raise UsageError("this door only knows stop_turn", "use the same version of anima on both sides")
        await self.stop_turn(turn)
        return {"turn": turn}

    async def stop_turn(self, turn: str) -> Turn:
        """End a turn without an answer, now; whoever waits for it gets TurnStopped. Raises NotFound."""
        event = await self.store.event("e" + turn[1:])
        stopped = await self._actor_of(event.agent).stop_turn(turn) if event else None
        if stopped is None:
            raise NotFound(f"no turn {turn} is open", "`anima turn list` shows all turns")
        return stopped

    def keep_file(self, path: Path) -> Attachment:
        """Take a file into the home, for `attachments`. Raises UsageError for one that cannot be taken."""
        return self.files.keep(path)

    def _actor_of(self, agent: str) -> Actor:
        if agent not in self._actors:
            raise NotFound(f"no agent is called {agent!r} here", f"there are: {', '.join(self._actors) or 'none'}")
        return self._actors[agent]


def _grants(agent: Agent, names: frozenset[str]) -> Grants:
    private = frozenset(agent.http_private)
    return Grants(names, tuple(agent.grants), private, tuple(agent.may_tell), tuple(agent.may_ask))


def _model(agent: Agent, providers: Providers) -> Model:
    if isinstance(agent.model, (str, ModelRef)):
        refs: Sequence[str | ModelRef] = [agent.model]
    elif isinstance(agent.model, Sequence):
        refs = agent.model
    else:
        return agent.model
    return providers.chain([ModelRef.parse(ref) if isinstance(ref, str) else ref for ref in refs], agent.retry)


def _label(trust: str, source: str) -> Label:
    readers = frozenset({"owner"}) if trust == "owner" else frozenset[str]()
    return Label(Trust[trust.upper()], readers, frozenset({source}))


def _without_fence(text: str) -> str:
    """JSON without the Markdown fence many models put round it."""
    text = text.strip()
    return text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
