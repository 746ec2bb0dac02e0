"""What the REPL shows: answers on stdout, all else on stderr; on a terminal rendered, elsewhere plain.

One thing is shown at a time: while a question stands on the screen, news wait. It does not know where news come from.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from anima.cli.answer import Answer, ClosedText, Sheet, StreamedText
from anima.cli.console import STYLES, describe
from anima.cli.inert import one_line
from anima.cli.output import complain, say, tell
from anima.errors import AnimaError
from anima.vocabulary import ENDED, Closed, Progress, StepDone, Token, ToolCalled, ToolReturned, TurnOpened

WIDTH = 60
"""Characters of a call's arguments that its line shows."""


class Folded:
    """A call is one line, with how it ended; what an agent is doing moves on the line below (on a terminal)."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._status = self._console.status(Text("thinking"))
        self._moves = self._console.is_terminal and not is_dumb()
        self._calls: dict[str, str] = {}

    def show(self, news: Progress) -> None:
        self.pause()
        match news:
            case ToolCalled():
                self._calls[news.effect] = arguments_of(news)
                self._move(f"running {one_line(news.tool, WIDTH)}")
            case ToolReturned() if news.state in ENDED:
                call = f"{one_line(news.tool, WIDTH)} {self._calls.pop(news.effect, '')}".rstrip()
                self._console.print(Text(f"  > {call} ({news.state}, {news.seconds:.1f} s)", "dim cyan"))
                self._move("thinking")
            case TurnOpened() | ToolReturned():
                self._move("thinking")
            case Token() | StepDone():
                pass
            case _:
                if line := describe(news, verbose=False):
                    self._console.print(Text(line, STYLES.get(news.type, "dim")))

    def pause(self) -> None:
        """Clear what moves."""
        self._status.stop()

    def _move(self, activity: str) -> None:
        if self._moves:
            self._status.update(Text(activity))
            self._status.start()


@dataclass
class Screen:
    """Shows progress, answers and notes. On a terminal answers go to `sheet` as they are thought; None elsewhere."""

    sheet: Sheet | None
    _folded: Folded = field(default_factory=Folded)
    _question: asyncio.Lock = field(default_factory=asyncio.Lock)

    def answer(self, name: str = "") -> Answer:
        """Where the next turn's answer goes, under its agent's name where one is given."""
        if name:
            say(f"{name}:")
        return ClosedText() if self.sheet is None else StreamedText(self.sheet)

    async def show(self, answer: Answer, news: Progress) -> None:
        """Show news of a turn."""
        async with self._question:
            self._folded.pause()
            answer.follow(news)
            self._folded.show(news)

    async def close(self, answer: Answer, closed: Closed, failure: AnimaError | None) -> None:
        """Show how a turn ended; its answer is flushed when this returns."""
        async with self._question:
            self._folded.show(closed)
            answer.close(closed, failure)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[None]:
        """Meanwhile a question stands on the screen, and nothing else is shown."""
        async with self._question:
            self.pause()
            yield

    def note(self, text: str) -> None:
        """Some lines beside the conversation."""
        self.pause()
        tell(text)

    def complain(self, failure: AnimaError) -> None:
        """An error, and what to do."""
        self.pause()
        complain(failure)

    def pause(self) -> None:
        """Clear what moves, before anybody else writes."""
        self._folded.pause()
        if self.sheet is not None:
            self.sheet.pause()


def is_dumb() -> bool:
    """Whether the terminal cannot move its cursor."""
    return Console().is_dumb_terminal


def arguments_of(news: ToolCalled) -> str:
    """A call's arguments on a piece of a line: the value alone where there is one."""
    values = list(news.arguments.values())
    if len(values) == 1 and isinstance(values[0], str):
        return one_line(values[0], WIDTH)
    return one_line(json.dumps(dict(news.arguments), ensure_ascii=False, default=str), WIDTH) if values else ""
