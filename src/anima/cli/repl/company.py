"""The agents of a home, as the REPL reaches them: through the home's door, and by reading its store.

Whoever keeps the home open is behind the door: a service, or this very process. It does not know who types, or what
is shown.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from anima.app import describe
from anima.cli.documents import Document
from anima.cli.dwelling import Dwellings, rewrite
from anima.cli.outcome import named
from anima.clock import SystemClock
from anima.errors import AnimaError, NotFound, SettingsError
from anima.runtime import Agent, door_of, listen
from anima.settings import Loaded
from anima.settings.writing import with_value
from anima.store import Standing, Store, conversations
from anima.vocabulary import (
    Closed,
    EffectState,
    Event,
    FellBack,
    Progress,
    Retried,
    StepDone,
    Token,
    ToolCalled,
    ToolReturned,
    Turn,
    TurnOpened,
    Usage,
    Waiting,
)

SOURCE = "cli"
NEWS = {kind.type: kind for kind in (FellBack, Retried, StepDone, Token, ToolCalled, ToolReturned, TurnOpened, Waiting)}


class Company:
    """Everybody in a home, in one conversation with each. Ids are as everywhere: event `e17`, turn `t17`."""

    def __init__(self, home: Path, conversation: str, store: Store) -> None:
        self.home = home
        self.conversation = conversation
        self._store = store
        self._places = Dwellings(home, SystemClock())
        self.names: tuple[str, ...] = ()

    async def count(self) -> None:
        """Find out who lives here now."""
        self.names = tuple(await self._store.residents.names())

    async def post(self, agent: str, text: str, files: Sequence[Path]) -> str:
        """Say something; the event's id, once it is on disk. Raises UsageError for a file that cannot be taken."""
        wish: Document = {"do": "post", "agent": agent, "text": text, "source": SOURCE}
        kept = [str(path.absolute()) for path in files]
        return str((await self._wish(wish | {"conversation": self.conversation, "attachments": kept}))["event"])

    async def watch(self, begun: asyncio.Event) -> AsyncIterator[Progress]:
        """Live news of everybody, from when `begun` is set until the home is closed."""
        async for line in listen(door_of(self.home), {"do": "watch", "conversation": self.conversation}):
            begun.set()
            if (news := await self._news(line)) is not None:
                yield news

    async def replies(self) -> list[Turn]:
        """Closed turns whose answer was never shown, oldest first."""
        return await self._store.look(conversations.replies, self.conversation)

    async def printed(self, turn: str) -> None:
        """Note that a turn's answer was shown."""
        await self._wish({"do": "printed", "turn": turn})

    async def unanswered(self) -> list[Event]:
        """What was said here and is not answered yet, oldest first."""
        return await self._store.look(conversations.unanswered, self.conversation)

    async def stop(self, agent: str) -> list[str]:
        """End what the agent does and has yet to do here; the turns that were ended."""
        left = [event for event in await self.unanswered() if event.agent == agent]
        stopped = []
        for turn in dict.fromkeys(event.turn or "t" + event.id[1:] for event in left):
            try:
                await self._wish({"do": "stop_turn", "turn": turn})
            except NotFound:  # it ended by itself meanwhile
                continue
            stopped.append(turn)
        return stopped

    async def turns(self, agent: str, limit: int) -> list[Turn]:
        """The last turns, oldest first."""
        return await self._store.look(conversations.turns, agent, self.conversation, limit)

    async def rest(self, agent: str) -> str | None:
        """Why the agent begins no turn now; None when it does."""
        found = await self._store.residents.find(agent)
        if found is not None and found.standing != Standing.ACTIVE:
            return f"{agent} is {found.standing} (`agent start {agent}` wakes it)"
        troubles = (await self._wish({"do": "status"}))["troubles"]
        if isinstance(troubles, dict) and agent in troubles and await self._store.residents.settings(agent) is None:
            return f"{agent} cannot wake: {troubles[agent]}"
        return None

    async def reload(self) -> None:
        """Let changed settings hold at once."""
        await self._wish({"do": "reload"})

    def settings(self, agent: str) -> Loaded:
        """What the agent lives by. Raises SettingsError, NotFound."""
        return self._places.check(self._places.settings_file(agent))

    def change(self, agent: str, values: Mapping[tuple[str, str], str]) -> None:
        """Write values, by table and key, into the agent's settings. A mistake changes nothing: SettingsError."""
        file = self._places.settings_file(agent)
        before = text = file.read_text(encoding="utf-8")
        for (table, key), value in values.items():
            text = with_value(text, table, key, value)
        rewrite(file, text)
        try:
            self._places.check(file)
        except SettingsError:
            rewrite(file, before)
            raise

    def described(self, agent: str) -> Agent:
        """The agent with its tools. Raises SettingsError, NotFound."""
        return describe(self.settings(agent)).agent

    async def _wish(self, wish: Document) -> Document:
        async for line in listen(door_of(self.home), wish):
            if (error := named(line)) is not None:
                raise error
            return line
        raise AnimaError("the home was closed", "`anima start` opens it; nothing that was said is lost")

    async def _news(self, line: Document) -> Progress | None:
        """News as they were told at the door; None for a line that is none."""
        where = {"time": 0.0, **{key: line.get(key) for key in ("agent", "conversation", "turn", "step")}}
        if line.get("type") == "closed":
            turn = await self._store.turn(str(line["turn"]))
            document = line["document"]
            error = named(document) if isinstance(document, dict) else None
            return None if turn is None else Closed(**where, result=turn, error=error)  # type: ignore[arg-type]
        kind = NEWS.get(str(line.get("type")))
        if kind is None:
            return None
        values = {field.name: line[field.name] for field in fields(kind)[5:]}
        if isinstance(usage := values.get("usage"), dict):
            values["usage"] = Usage(**usage)
        if "state" in values:
            values["state"] = EffectState(str(values["state"]))
        return kind(**where, **values)  # type: ignore[arg-type]
