"""The console view: what a turn is doing, told on stderr to whoever sits in front of it.

Plain lines where stderr is a pipe or a file, rich where it is a terminal. It shows progress and nothing else: the
answer belongs to stdout, and nothing depends on what is shown here.
"""

import json
import sys
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.text import Text

from anima.cli.inert import one_line
from anima.vocabulary import (
    Closed,
    EffectState,
    FellBack,
    Progress,
    Retried,
    StepDone,
    ToolCalled,
    ToolReturned,
    Turn,
    TurnOpened,
    Usage,
)

WIDTH = 100
"""Characters of a tool's arguments or result that a line shows."""

STYLES = {"tool_call": "cyan", "retry": "yellow", "fallback": "yellow"}


class View(Protocol):
    """Shows progress. `pause` clears what moves, before anybody else writes on the same screen."""

    def show(self, news: Progress) -> None: ...
    def pause(self) -> None: ...


class Quiet:
    """Shows nothing."""

    def show(self, news: Progress) -> None:
        pass

    def pause(self) -> None:
        pass


class PlainView:
    """One line for each thing that happened."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def show(self, news: Progress) -> None:
        if line := describe(news, verbose=self._verbose):
            sys.stderr.write(line + "\n")

    def pause(self) -> None:
        pass


class RichView:
    """The same lines in colour (`NO_COLOR` is honoured), and a spinner while a model or a tool is at work."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._status = self._console.status(Text("thinking"))

    def show(self, news: Progress) -> None:
        self.pause()
        if line := describe(news, verbose=self._verbose):
            self._console.print(Text(line, STYLES.get(news.type, "dim")))
        if activity := _activity(news):
            self._status.update(Text(activity))
            self._status.start()

    def pause(self) -> None:
        self._status.stop()


def choose_view(*, quiet: bool, verbose: bool) -> View:
    """The view that fits where stderr goes."""
    if quiet:
        return Quiet()
    return RichView(verbose=verbose) if sys.stderr.isatty() else PlainView(verbose=verbose)


def describe(news: Progress, *, verbose: bool) -> str:
    """A line for a person, inert; empty for what is not worth one, several at the end of a turn that left doubts."""
    match news:
        case TurnOpened():
            again = " goes on" if news.resumed else ""
            return f"turn {news.turn} of {news.agent} in {one_line(news.conversation, 60)}{again}"
        case StepDone() if verbose:
            size = f"{news.messages} messages, {spent(news.usage)}"
            return f"step {news.step}: {news.model}, {size}, {news.seconds:.2f} s"
        case ToolCalled():
            arguments = json.dumps(dict(news.arguments), ensure_ascii=False, default=str)
            return f"-> {one_line(news.tool, 60)} {one_line(arguments, WIDTH)}"
        case ToolReturned():
            seconds = f" ({news.seconds:.2f} s)" if verbose else ""
            return f"<- {one_line(news.tool, 60)} {news.state}{seconds}: {one_line(news.result, WIDTH)}"
        case Retried():
            return f"{news.model}: {one_line(news.error, WIDTH)}; trying again in {news.delay:.1f} s"
        case FellBack():
            return f"{news.model}: {one_line(news.error, WIDTH)}; asking {news.next}"
        case Closed():
            return "\n".join(_ending(news.result, verbose=verbose))
    return ""


def _ending(turn: Turn, *, verbose: bool) -> Iterator[str]:
    """What a person must know of a turn beside its answer: calls that did not happen, or that may have."""
    for effect in turn.effects:
        if effect.state in (EffectState.DENIED, EffectState.UNKNOWN):
            yield f"note: {one_line(effect.tool, 60)} ({effect.id}): {one_line(effect.result or '', 3 * WIDTH)}"
    if verbose:
        yield f"turn {turn.id} {turn.state}: {len(turn.steps)} steps, {spent(turn.usage)}"


def spent(usage: Usage) -> str:
    """Tokens, and money where prices are known."""
    cached = f" ({usage.cached} cached)" if usage.cached else ""
    money = "" if usage.dollars is None else f", {usage.dollars:.4f} dollars"
    return f"{usage.input}{cached} tokens in, {usage.output} out{money}"


def _activity(news: Progress) -> str:
    """What goes on after this news, as the spinner says it."""
    match news:
        case ToolCalled():
            return f"running {one_line(news.tool, 60)}"
        case TurnOpened() | ToolReturned() | Retried() | FellBack():
            return "thinking"
    return ""
