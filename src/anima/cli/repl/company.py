"""The agents of a home, as the REPL reaches them: what it needs of them, and how it gets it by itself.

`Company` is all that the REPL knows of a runtime. It does not know who types, or what is shown.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anima.app import describe
from anima.cli.fetching import fetch_for
from anima.cli.output import tell
from anima.errors import NotFound, SettingsError, UsageError
from anima.runtime import Agent, Mode, Runtime
from anima.settings import ModelRef, load
from anima.vocabulary import OWNER, Approver, Label, NewEvent, Progress, Turn

SOURCE = "cli"
NEWEST = 2**62
"""Comes after every event of a conversation."""


@dataclass(frozen=True)
class Member:
    """An agent as its settings describe it. `models` are tried in this order."""

    agent: Agent
    models: tuple[ModelRef, ...]


class Company(Protocol):
    """Agents that live, in one conversation with each. Ids are as everywhere: event `e17`, turn `t17`."""

    @property
    def members(self) -> Mapping[str, Member]:
        """Everybody, by name."""
        ...

    async def post(self, agent: str, text: str, files: Sequence[Path]) -> str:
        """Say something; the event's id, once it is on disk. Raises UsageError for a file that cannot be taken."""
        ...

    def watch(self) -> AsyncIterator[Progress]:
        """Live news of everybody in this conversation, from now on."""
        ...

    async def replies(self, agent: str) -> list[Turn]:
        """Closed turns whose answer was never shown, oldest first."""
        ...

    async def printed(self, turn: str) -> None:
        """Note that a turn's answer was shown."""
        ...

    async def stop(self, agent: str) -> list[str]:
        """End what the agent does and has yet to do here; the turns that were ended."""
        ...

    async def busy(self, agent: str) -> list[str]:
        """The conversations in which the agent has work, under way or to come."""
        ...

    async def history(self, agent: str, limit: int) -> list[Turn]:
        """The last closed turns, oldest first."""
        ...


class Embedded:
    """A company of one's own: the runtime lives and ends with the REPL; what is unfinished goes on in the next."""

    def __init__(self, runtime: Runtime, members: Mapping[str, Member], conversation: str) -> None:
        self._runtime = runtime
        self._conversation = conversation
        self.members = members

    async def post(self, agent: str, text: str, files: Sequence[Path]) -> str:
        kept = tuple(self._runtime.keep_file(path) for path in files)
        label = Label(OWNER.trust, OWNER.readers, frozenset({SOURCE}))
        new = NewEvent(agent, self._conversation, text, label, SOURCE, attachments=kept)
        return (await self._runtime.household.post(new)).event.id

    async def watch(self) -> AsyncIterator[Progress]:
        async for news in self._runtime.watch():
            if news.conversation == self._conversation:
                yield news

    async def replies(self, agent: str) -> list[Turn]:
        return await self._runtime.store.replies(agent, self._conversation)

    async def printed(self, turn: str) -> None:
        await self._runtime.printed(turn)

    async def stop(self, agent: str) -> list[str]:
        store, stopped = self._runtime.store, list[str]()
        while left := (
            await store.under_way(agent, self._conversation)
            or await store.unfinished(agent, self._conversation, SOURCE)
        ):
            turn = left.turn or "t" + left.id[1:]
            if turn in stopped:
                break
            stopped.append(turn)
            with suppress(NotFound):  # it ended by itself meanwhile
                await self._runtime.stop_turn(turn)
        return stopped

    async def busy(self, agent: str) -> list[str]:
        return [conversation for conversation, _, _ in await self._runtime.store.pending(agent)]

    async def history(self, agent: str, limit: int) -> list[Turn]:
        turns, _ = await self._runtime.store.history(agent, self._conversation, NEWEST, limit)
        return turns


@asynccontextmanager
async def embedded(home: Path, conversation: str, approve: Approver | None) -> AsyncIterator[Embedded]:
    """Everybody who lives in `home`, alive while the block runs. Raises UsageError where nobody does, AgentBusy."""
    members = living_in(home)
    if not members:
        raise UsageError(f"nobody lives in {home}", "`anima init` makes a home with one agent")
    for member in members.values():
        await fetch_for(member.models, home / "models")
    agents = [member.agent for member in members.values()]
    async with Runtime(home, agents, approve=approve, mode=Mode("all")) as runtime:
        yield Embedded(runtime, members, conversation)


def living_in(home: Path) -> dict[str, Member]:
    """The agents of a home whose settings are right; of the others it is told why they are left out."""
    members: dict[str, Member] = {}
    for path in sorted((home / "agents").glob("*/agent.toml")):
        try:
            loaded = load(path, home)
            described = describe(loaded)
            if described.problems:
                raise SettingsError(described.problems)
        except SettingsError as error:
            tell(f"note: left out: {error}")
            continue
        members[described.agent.name] = Member(described.agent, tuple(loaded.settings.models))
    return members
