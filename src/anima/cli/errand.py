"""An errand: one run from the words typed to the exit status.

It knows how to ask and how to show; what happens in between belongs to the runtime.
"""

import asyncio
import shlex
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from anima.app import describe, log_kept, open_runtime
from anima.cli.answer import Answer
from anima.cli.approval import Terminal, TerminalApprover
from anima.cli.console import View, choose_view
from anima.cli.fetching import fetch_for
from anima.cli.options import check_conversation
from anima.cli.outcome import outcome
from anima.cli.output import tell
from anima.errors import (
    Interrupted,
    SettingsError,
    TurnFailed,
    UsageError,
)
from anima.runtime import Runtime
from anima.settings import home_folder, load
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
        check_conversation(self.conversation)

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


@dataclass
class Errand:
    """One run under way: what was ordered, where its answer goes, the last news of it."""

    order: Order
    answer: Answer
    view: View
    last: Progress | None = None
    keeps: bool = True

    async def run(self) -> int:
        """From the words typed to the exit status. Raises AnimaError where no turn came of it."""
        self._end_in_good_order()
        self.order.check()
        home = home_folder(self.order.home)
        loaded = load(self.order.config, home)
        described = describe(loaded)
        if described.problems:
            raise SettingsError(described.problems)
        text = "" if self.order.resume else self.order.text()
        self.view = choose_view(quiet=self.order.quiet, verbose=self.order.verbose or loaded.settings.observe.verbose)
        self.keeps = loaded.settings.memory.backend != "in_memory"
        if not self.order.quiet:
            for key in described.inactive:
                tell(f"note: {key} is not active yet")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)  # `parents` of what is made in it would be open to all
        await fetch_for(loaded.settings.models, home / "models")
        async with AsyncExitStack() as stack:
            if self.keeps:
                stack.enter_context(log_kept(home))
            opening = open_runtime(loaded, described.agent, home, self._approver())
            runtime = await stack.enter_async_context(opening)
            closed = await self._follow(self._begin(runtime, described.agent.name, text))
            return await self._finish(runtime, closed)

    def interrupted(self) -> Interrupted:
        """What Ctrl-C is answered with: whether there is something to go on with, and how."""
        if self.last is None:
            return Interrupted("interrupted before a turn was opened", "run it again")
        where = {"agent": self.last.agent, "conversation": self.last.conversation, "turn": self.last.turn}
        kept = f"turn {self.last.turn} is kept" if self.keeps else "this agent keeps nothing"
        return Interrupted(f"interrupted; {kept}", self._way_on(), **where)

    def _end_in_good_order(self) -> None:
        """Take a request to end, or a terminal that closes, for Ctrl-C."""
        task = asyncio.current_task()
        if task is not None:
            for request in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(request, task.cancel)

    def _approver(self) -> TerminalApprover | None:
        terminal = Terminal.find()
        return TerminalApprover(terminal, self.view.pause) if terminal else None

    def _begin(self, runtime: Runtime, agent: str, text: str) -> AsyncGenerator[Progress, None]:
        conversation = self.order.conversation
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
                with suppress(OSError):  # whoever looked has gone: the turn goes on
                    if not isinstance(news, Closed):
                        self.answer.follow(news)
                with suppress(OSError):
                    self.view.show(news)
                if isinstance(news, Closed):
                    return news
        raise TurnFailed("the turn ended without news of its end", "`anima turn list` shows where it stands")

    async def _finish(self, runtime: Runtime, closed: Closed) -> int:
        """Print, flush, and only then note that it was printed."""
        error = outcome(closed, self._way_on())
        self.answer.close(closed, error)
        if closed.result.state == TurnState.CLOSED:
            await runtime.printed(closed.turn)
        if self.order.stats:
            tell(runtime.metrics.report())
        return error.exit_status if error else 0

    def _way_on(self) -> str:
        """How to go on with what is unfinished, as a command to copy."""
        if not self.keeps:
            return "run it again"
        words = ["anima", "run", str(self.order.config), "--resume"]
        if self.order.conversation != "cli:main":
            words += ["--conversation", self.order.conversation]
        if self.order.home:
            words += ["--home", str(self.order.home)]
        return f"the task is kept: `{shlex.join(words)}` goes on with it"
