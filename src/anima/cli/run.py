"""`anima run`: one task for one agent, in this process, durably.

It knows how to ask and how to show; what happens in between belongs to the runtime.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click

from anima.app import agent_of, keep_log, open_runtime
from anima.cli.answer import Answer, choose_answer
from anima.cli.approval import Terminal, TerminalApprover
from anima.cli.console import Quiet, View, choose_view
from anima.cli.documents import denied
from anima.cli.fetching import fetch_for
from anima.cli.output import tell
from anima.errors import (
    AnimaError,
    CallDenied,
    Interrupted,
    LimitReached,
    NoModelReachable,
    SettingsError,
    TurnFailed,
    UsageError,
)
from anima.runtime import Runtime
from anima.settings import Loaded, home_folder, load
from anima.vocabulary import Closed, Progress, TurnState


@dataclass(frozen=True)
class Order:
    """What was typed."""

    config: Path
    task: str | None
    conversation: str
    attach: tuple[Path, ...]
    as_json: bool
    events: bool
    quiet: bool
    verbose: bool
    stats: bool
    resume: bool
    home: Path | None

    def check(self) -> None:
        """Raises UsageError for words that do not go together."""
        again = "`anima run --help` has examples"
        if self.resume and (self.task is not None or self.attach):
            raise UsageError("--resume goes on with earlier work and takes no TASK and no --attach", again)
        if not self.resume and self.task is None:
            raise UsageError(
                "there is no TASK", 'write it in quotes: anima run config.toml "task"; `-` reads it from stdin'
            )
        if self.as_json and self.events:
            raise UsageError("--json and --events both want stdout", "--events ends with the document --json prints")
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose exclude each other", again)
        if self.task == "-" and any(str(path) in ("-", "/dev/stdin") for path in (self.config, *self.attach)):
            raise UsageError("stdin cannot be TASK and a file at once", "put one of them in a file")
        if not self.conversation.isprintable() or not 0 < len(self.conversation) <= 200:
            raise UsageError("--conversation must be 1 to 200 printable characters", "for example cli:main")

    def text(self) -> str:
        """The task itself; reads stdin for `-`."""
        try:
            text = sys.stdin.buffer.read().decode() if self.task == "-" else self.task or ""
            text.encode()
        except UnicodeError as error:
            raise UsageError("TASK is not UTF-8 text", "attach files with --attach") from error
        if not text.strip():
            raise UsageError("TASK is empty", 'write it in quotes: anima run config.toml "task"')
        return text


@click.command(
    epilog="""\b
Examples:
  anima run config.toml "Add 2 and 3, then write the sum to sum.txt"
  git diff | anima run config.toml - --attach notes.md
  anima run config.toml --resume
  anima run config.toml "..." --json | jq -r .answer

\b
Exit status: 0 answered, 1 failed, 2 usage or settings, 3 no model reachable (the task is kept),
4 a limit was reached, 5 a call was denied and there is no answer, 130 interrupted (go on with --resume).
"""
)
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("task", required=False)
@click.option("--conversation", default="cli:main", show_default=True, help="The lasting exchange to speak in.")
@click.option("--attach", multiple=True, type=click.Path(path_type=Path), help="An image or a file, 20 MB at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the answer.")
@click.option("--events", is_flag=True, help="Print progress as JSON lines; the last holds the document.")
@click.option("--quiet", is_flag=True, help="Print nothing but the answer and errors.")
@click.option("--verbose", is_flag=True, help="Show context sizes, timings, tokens and money.")
@click.option("--stats", is_flag=True, help="Print the metrics at the end, on stderr.")
@click.option("--resume", is_flag=True, help="Go on where unfinished work of this conversation stopped.")
@click.option("--home", type=click.Path(path_type=Path), help="Where everything is kept [$ANIMA_HOME, ~/.anima].")
def run(**words: Any) -> int:
    """Give the agent of the file CONFIG a TASK (`-`: read it from stdin) and print its answer."""
    order = Order(**words)
    errand = Errand(order, choose_answer(as_json=order.as_json, events=order.events), Quiet())
    try:
        return asyncio.run(errand.run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        error: AnimaError = errand.interrupted()
    except AnimaError as failure:
        error = failure
    errand.view.pause()
    errand.answer.fail(error)
    return error.exit_status


@dataclass
class Errand:
    """One run under way: what was ordered, where its answer goes, the last news of it."""

    order: Order
    answer: Answer
    view: View
    last: Progress | None = None

    async def run(self) -> int:
        """From the words typed to the exit status. Raises AnimaError where no turn came of it."""
        self._end_in_good_order()
        self.order.check()
        home = home_folder(self.order.home)
        loaded = load(self.order.config, home)
        agent, problems = agent_of(loaded)
        if problems:
            raise SettingsError(problems)
        self.view = choose_view(quiet=self.order.quiet, verbose=self.order.verbose or loaded.settings.observe.verbose)
        text = "" if self.order.resume else self.order.text()
        if not self.order.quiet:
            for key in loaded.inactive:
                tell(f"note: {key} is not active yet")
        await fetch_for(loaded.settings.models, home / "models")
        if loaded.settings.memory.backend != "in_memory":
            keep_log(home)
        async with open_runtime(loaded, agent, home, self._approver()) as runtime:
            closed = await self._follow(self._begin(runtime, loaded, text))
            return await self._finish(runtime, closed)

    def interrupted(self) -> Interrupted:
        """What Ctrl-C is answered with: whether there is something to go on with, and how."""
        if self.last is None:
            return Interrupted("interrupted before a turn was opened", "run it again")
        return Interrupted(
            f"interrupted; turn {self.last.turn} is kept",
            f"`{self._resume_command()}` goes on with it",
            agent=self.last.agent,
            conversation=self.last.conversation,
            turn=self.last.turn,
        )

    def _end_in_good_order(self) -> None:
        """Take a request to end, or a terminal that closes, for Ctrl-C."""
        task = asyncio.current_task()
        if task is not None:
            for request in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(request, task.cancel)

    def _approver(self) -> TerminalApprover | None:
        terminal = Terminal.find()
        return TerminalApprover(terminal, self.view.pause) if terminal else None

    def _begin(self, runtime: Runtime, loaded: Loaded, text: str) -> AsyncGenerator[Progress, None]:
        agent, conversation = loaded.settings.agent.name, self.order.conversation
        if self.order.resume:
            news: AsyncIterator[Progress] = runtime.resume(agent, conversation)
        else:
            files = [runtime.keep_file(path) for path in self.order.attach]
            news = runtime.stream(agent, text, conversation=conversation, source="cli", attachments=files)
        return cast(AsyncGenerator[Progress, None], news)

    async def _follow(self, stream: AsyncGenerator[Progress, None]) -> Closed:
        async with aclosing(stream):
            async for news in stream:
                self.last = news
                self.view.pause()
                if not isinstance(news, Closed):
                    self.answer.follow(news)
                with suppress(OSError):  # whoever looked has gone: the turn goes on
                    self.view.show(news)
                if isinstance(news, Closed):
                    return news
        raise TurnFailed("the turn ended without news of its end", "`anima turn list` shows where it stands")

    async def _finish(self, runtime: Runtime, closed: Closed) -> int:
        """Print, flush, and only then note that it was printed."""
        error = self._outcome(closed)
        self.answer.close(closed, error)
        if closed.result.state == TurnState.CLOSED:
            await runtime.printed(closed.turn)
        if self.order.stats:
            tell(runtime.metrics.report())
        return error.exit_status if error else 0

    def _outcome(self, closed: Closed) -> AnimaError | None:
        """How the turn ended for its asker; None: with an answer."""
        turn = closed.result
        if isinstance(closed.error, NoModelReachable):
            return NoModelReachable(closed.error.message, f"the task is kept: `{self._resume_command()}` takes it up")
        if closed.error is not None:
            return closed.error if isinstance(closed.error, AnimaError) else TurnFailed(str(closed.error))
        if turn.limit is not None:
            return LimitReached(turn.notice, "raise the limit in the settings, or ask for less")
        if denied(turn) and not turn.steps[-1].text.strip():
            tools = ", ".join(sorted({effect.tool for effect in denied(turn)}))
            return CallDenied(
                f"{tools} was denied and there is no answer", "`[tools] grants` allows calls without asking"
            )
        return None

    def _resume_command(self) -> str:
        order = self.order
        lane = "" if order.conversation == "cli:main" else f" --conversation {order.conversation}"
        home = f" --home {order.home}" if order.home else ""
        return f"anima run {order.config}{lane}{home} --resume"
