"""An answer on a terminal as rendered Markdown, while it is still being thought.

What cannot change any more is printed; the paragraph that grows moves below it. What a model wrote can drive neither
the terminal nor hide a link's address. This module does not know whose answer it is.
"""

import re

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from anima.cli.inert import stripped
from anima.clock import Clock

PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
FRAME = 0.05
"""Seconds between two looks at a paragraph that grows."""


class Rendered:
    """Markdown made inert: after rendering, as entities (`&#27;`) become what they stand for only then."""

    def __init__(self, text: str) -> None:
        self._markdown = Markdown("", code_theme="ansi_dark", hyperlinks=False)
        self._markdown.parsed = PARSER.parse(stripped(text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._markdown, options):
            yield segment if segment.control else Segment(stripped(segment.text), segment.style)


class Tail:
    """The last lines of what is rendered, as many as the screen has room for."""

    def __init__(self, text: str) -> None:
        self._rendered = Rendered(text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._rendered, options, pad=False)[-max(console.height - 2, 1) :]:
            yield from line
            yield Segment.line()


class MarkdownSheet:
    """Where a terminal shows Markdown."""

    def __init__(self, clock: Clock) -> None:
        self._console = Console(highlight=False)
        self._clock = clock
        self._text = ""
        self._blocks = 0
        self._live: Live | None = None
        self._looked = 0.0

    def write(self, text: str) -> None:
        """Take a piece of the answer. A text that comes whole never moves."""
        if not self._text:
            self._looked = self._clock.monotonic()
        self._text += text
        done, rest = split(self._text)
        if done:
            self._print(done)
            self._text = rest
        if self._text.strip() and self._clock.monotonic() - self._looked >= FRAME:
            self._look()

    def end_line(self) -> None:
        """Print what there is."""
        self._print(self._text)
        self._text, self._blocks = "", 0

    def pause(self) -> None:
        """Clear what moves; it is back with the next piece."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        self.pause()
        if text.strip():
            if self._blocks:
                self._console.print()
            self._console.print(Rendered(text))
            self._blocks += 1

    def _look(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(Tail(self._text), refresh=True)
        self._looked = self._clock.monotonic()


def split(text: str) -> tuple[str, str]:
    """The blocks nothing that follows can change, and the rest, which may still grow.

    A block ends at an empty line before a line that is not indented, outside a fence.
    """
    end = place = 0
    fence, empty = "", False
    for line in text.splitlines(keepends=True):
        if not fence and empty and line.strip() and not line[0].isspace():
            end = place
        if mark := re.match(r" {0,3}(`{3,}|~{3,})", line):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        empty = not line.strip()
        place += len(line)
    return text[:end], text[end:]
