"""A person's conversation with the agents of a home: messages out, answers shown, turns stopped, calls let run.

One lane for each agent. A lane somebody waits at is in front: its news are shown as they come. What ends in any other
is shown when it ends. This module does not know how a line is typed, or what `/words` do.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anima.cli.documents import answer_of
from anima.cli.inert import one_line
from anima.cli.repl.company import Company
from anima.cli.repl.lines import Address, Line, Message, Nothing, Order, Question, known, nobody
from anima.cli.repl.screen import Screen
from anima.errors import AnimaError, TurnFailed, TurnStopped, UsageError
from anima.vocabulary import Closed, Progress, Turn, TurnState

ASK = 'Use the tool ask_agent to ask {other} this, and tell me the answer: "{text}"'


@dataclass
class Session:
    """What a person is in the middle of. `to` are the agents spoken with, `files` wait for the next message."""

    company: Company
    screen: Screen
    to: tuple[str, ...]
    files: list[Path] = field(default_factory=list)
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    _front: dict[str, "asyncio.Queue[Progress]"] = field(default_factory=dict)
    _shown: set[str] = field(default_factory=set)
    _tasks: set["asyncio.Task[object]"] = field(default_factory=set)
    _interrupted: bool = False

    @property
    def prompt(self) -> str:
        return f"{', '.join(self.to)}> "

    def in_front(self, agent: str) -> bool:
        """Whether somebody waits at this agent's lane now."""
        return agent in self._front

    async def listen(self) -> None:
        """Take news as they come, until the home is closed: to whoever waits at the lane, else only what ends."""
        async for news in self.company.watch(self.listening):
            if lane := self._front.get(news.agent):
                lane.put_nowait(news)
            elif isinstance(news, Closed):
                await self._hand_over(news.result, self._failure(news))

    async def catch_up(self) -> None:
        """Show the answers that came while nobody was here, and who is still at work."""
        for turn in await self.company.replies():
            await self._hand_over(turn)
        for name in dict.fromkeys(event.agent for event in await self.company.unanswered()):
            self.screen.note(f"{name} is at work; the answer comes when it is there (/stop ends it)")

    async def obey(self, line: Line) -> Order | None:
        """Do what a line says; an order is for somebody else and given back. Raises AnimaError."""
        match line:
            case Order():
                return line
            case Address(to):
                self.to = to
            case Message(text, to, files):
                await self.say(to or self.to, text, [*self.files, *map(Path, files)])
                self.files.clear()
            case Question(agent, other, text):
                self._refuse_a_mute(agent)
                await self.say((agent,), ASK.format(other=other, text=text), [])
            case Nothing():
                pass
        return None

    async def say(self, names: Sequence[str], text: str, files: Sequence[Path]) -> None:
        """Say something to these agents, and show what each answers, in this order."""
        paths = [path.expanduser() for path in files]
        self._interrupted = False
        with self._in_front(names):
            events = {name: await self.company.post(name, text, paths) for name in names}
            if self._interrupted:
                await self.stop(names)
            for name in names:
                if (why := await self.company.rest(name)) is not None:
                    self.screen.note(f"{why}; what you said is kept for later")
                else:
                    await self._follow(name, events[name], named=len(names) > 1)

    def interrupt(self) -> None:
        """End the turns somebody waits for (Ctrl-C)."""
        self._interrupted = True
        self._own(self.stop(tuple(self._front)))

    async def stop(self, names: Sequence[str]) -> list[str]:
        """End everything these agents do in this conversation; the turns that were ended."""
        return [turn for name in names for turn in await self.company.stop(name)]

    async def aclose(self) -> None:
        """Wait for nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def member(self, name: str) -> str:
        """The agent that is meant by `name`. Raises UsageError."""
        found = known(name, self.company.names)
        if found is None:
            raise nobody(name, self.company.names)
        return found

    def _refuse_a_mute(self, agent: str) -> None:
        if "ask_agent" not in [tool.name for tool in self.company.described(agent).tools]:
            raise UsageError(f"{agent} cannot ask anybody", 'add "ask_agent" to [tools] enabled in its settings')

    @contextmanager
    def _in_front(self, names: Sequence[str]) -> Iterator[None]:
        self._front = {name: asyncio.Queue() for name in names}
        try:
            yield
        finally:
            self._front = {}
            self.screen.pause()

    async def _follow(self, name: str, event: str, *, named: bool) -> None:
        """Show a lane until the turn that answers `event` has ended; others may end before it."""
        lane = self._front[name]
        while True:
            answer = self.screen.answer(name if named else "")
            while not isinstance(news := await lane.get(), Closed):
                await self.screen.show(answer, news)
            failure = self._failure(news)
            await self.screen.close(answer, news, failure)
            if news.result.state == TurnState.CLOSED:
                self._shown.add(news.turn)
                await self.company.printed(news.turn)
            if event in [each.id for each in news.result.events]:
                return

    async def _hand_over(self, ended: Turn, failure: AnimaError | None = None) -> None:
        """Show how a turn ended that nobody waited for, once."""
        if ended.id in self._shown:
            return
        closed = Closed(ended.opened, ended.agent, ended.conversation, ended.id, len(ended.steps), ended, failure)
        if failure is not None or answer_of(ended):
            self.screen.note(f"{ended.agent} to “{one_line(ended.events[0].text, 40)}”:")
            await self.screen.close(self.screen.answer(), closed, failure)
        if ended.state == TurnState.CLOSED:
            self._shown.add(ended.id)
            await self.company.printed(ended.id)

    def _failure(self, closed: Closed) -> AnimaError | None:
        """What to tell of a turn that ended without an answer; None for one that ended well."""
        if closed.error is None:
            return None
        if isinstance(closed.error, TurnStopped):
            return TurnStopped("stopped")
        return closed.error if isinstance(closed.error, AnimaError) else TurnFailed(str(closed.error))

    def _own(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
