"""`anima chat`: the REPL. It brings the agents of the home to life, reads lines, and leaves in good order."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import click

from anima.app import STORE, home_alive, log_kept
from anima.cli.answer import PlainSheet, Sheet
from anima.cli.approval import Terminal, TerminalApprover
from anima.cli.fetching import fetch_for
from anima.cli.options import check_conversation, home_option
from anima.cli.outcome import told
from anima.cli.repl.asker import Asker
from anima.cli.repl.company import Company
from anima.cli.repl.lines import Verb, parse
from anima.cli.repl.orders import Desk, carry_out
from anima.cli.repl.plain import PlainLines
from anima.cli.repl.screen import Screen, is_dumb
from anima.cli.repl.session import Session
from anima.clock import SystemClock
from anima.errors import AnimaError, SettingsError, UsageError
from anima.runtime import door_of, knock
from anima.store import Store
from anima.vocabulary import Approver

HISTORY = "chat.history"
"""What was typed, in the home."""


class Lines(Protocol):
    """Where lines come from: None at the end, KeyboardInterrupt when Ctrl-C was pressed."""

    async def read(self, prompt: str) -> str | None: ...


@click.command(
    epilog="""\b
Examples:
  anima chat
  anima chat arya --conversation cli:garden
  echo "What day is it?" | anima chat arya
"""
)
@click.argument("name", required=False)
@click.option("--conversation", default="cli:main", show_default=True, help="The lasting exchange to speak in.")
@home_option
def chat(name: str | None, conversation: str, home: Path) -> int:
    """Talk with the agents of the home, first with NAME. /help tells what can be said; Ctrl-D leaves."""
    check_conversation(conversation)
    try:
        return asyncio.run(_chat(name, conversation, home))
    except asyncio.CancelledError:
        return 130


async def _chat(name: str | None, conversation: str, home: Path) -> int:
    _end_in_good_order()
    screen = Screen(_sheet())
    terminal = Terminal.find()
    asker = Asker(screen, TerminalApprover(terminal, screen.pause)) if terminal else None
    async with _open(home, asker) as (ending, here), _store(home) as store:
        session = Session(Company(home, conversation, store), screen, ())
        await session.company.count()
        await _greet(session, name)
        if asker is not None and sys.stdin.isatty():
            asker.waited_for = session.in_front
        async with _until_closed(session, ending):
            await session.catch_up()
            await _converse(Desk(session, asker if here else None), _lines(home, session))
    return 0


async def _greet(session: Session, name: str | None) -> None:
    """Settle with whom the person speaks first. Raises UsageError where nobody lives."""
    company = session.company
    if not company.names:
        raise UsageError(f"nobody lives in {company.home}", "`anima init` makes a home with one agent")
    session.to = (session.member(name) if name else company.names[0],)
    try:
        await fetch_for(company.settings(session.to[0]).settings.models, company.home / "models")
    except SettingsError as error:
        session.screen.note(f"note: {session.to[0]} is as its settings were last right: {error}")


@asynccontextmanager
async def _open(home: Path, approve: Approver | None) -> AsyncIterator[tuple[asyncio.Event, bool]]:
    """The home is open: by whoever keeps it so, else here and for as long as the block runs.

    Gives what is set when its end is asked for, and whether it is open here.
    """
    if knock(door_of(home), {"do": "status"}) is not None:
        yield asyncio.Event(), False
        return
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log_kept(home):
        async with home_alive(home, approve) as keeper, keeper.open(told) as ending:
            yield ending, True


@asynccontextmanager
async def _store(home: Path) -> AsyncIterator[Store]:
    store = await Store.open(home / STORE, SystemClock())
    try:
        yield store
    finally:
        await store.aclose()


async def _converse(desk: Desk, lines: Lines) -> None:
    """Lines in, until they end. Ctrl-C ends a turn; at the prompt it drops the line, and the second tells how to
    leave."""
    session, dropped = desk.session, False
    loop = asyncio.get_running_loop()
    while True:
        loop.add_signal_handler(signal.SIGINT, lines.interrupt if isinstance(lines, PlainLines) else _ignore)
        try:
            await session.company.count()
            typed = await lines.read(session.prompt)
        except KeyboardInterrupt:
            if dropped:
                session.screen.note("Ctrl-D or /quit leaves; what agents have begun goes on")
            dropped = True
            continue
        if typed is None:
            return
        dropped = False
        loop.add_signal_handler(signal.SIGINT, session.interrupt)
        try:
            order = await session.obey(parse(typed, session.company.names))
            if order is not None and order.verb == Verb.QUIT:
                return
            if order is not None:
                await carry_out(order, desk)
        except AnimaError as error:
            session.screen.complain(error)


@asynccontextmanager
async def _until_closed(session: Session, ending: asyncio.Event) -> AsyncIterator[None]:
    """Listen while the block runs; it is left when the home is closed. Raises AnimaError then."""
    person = asyncio.current_task()
    assert person is not None
    listening = [asyncio.ensure_future(session.listen()), asyncio.ensure_future(ending.wait())]
    for each in listening:
        each.add_done_callback(lambda done: done.cancelled() or person.cancel())
    try:
        await session.listening.wait()
        yield
    except asyncio.CancelledError:
        if not any(each.done() for each in listening):
            raise
        person.uncancel()
        raise AnimaError("the home was closed", "`anima chat` goes on; nothing that was said is lost") from None
    finally:
        session.screen.pause()
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await session.aclose()


def _sheet() -> Sheet | None:
    """Markdown on a terminal that can move its cursor, plain text on one that cannot, None elsewhere."""
    if not sys.stdout.isatty():
        return None
    sheet: Any = _load("markdown", "MarkdownSheet")
    return PlainSheet() if sheet is None or is_dumb() else sheet(SystemClock())


def _lines(home: Path, session: Session) -> Lines:
    """An editor on a terminal; plain lines elsewhere, and where none is installed."""
    if sys.stdin.isatty() and sys.stdout.isatty() and not is_dumb():
        editor: Any = _load("editor", "Editor")
        if editor is not None:
            lines: Lines = editor(home / HISTORY, lambda: session.company.names)
            return lines
    return PlainLines(sys.stdin.fileno(), prompts=sys.stdin.isatty())


def _load(module: str, name: str) -> object | None:
    """Part of the REPL that only a terminal needs; None where its library is not installed."""
    try:
        return getattr(import_module(f"anima.cli.repl.{module}"), name)  # type: ignore[no-any-return]
    except ModuleNotFoundError:
        return None


def _end_in_good_order() -> None:
    """A request to end, or a terminal that closes, ends this like Ctrl-D; what is unfinished goes on next time."""
    task = asyncio.current_task()
    if task is not None:
        for request in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(request, task.cancel)


def _ignore() -> None:
    """The editor takes Ctrl-C as a key."""
