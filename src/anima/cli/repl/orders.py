"""What `/words` and the earlier runtime's sentences do. One function each; a table says which.

What has no function here is told to be not active yet. This module does not know how a line is typed.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anima.cli.conversation import as_markdown
from anima.cli.inert import one_line
from anima.cli.output import print_table, say
from anima.cli.repl.asker import Asker
from anima.cli.repl.lines import COMMANDS, Order, Verb
from anima.cli.repl.session import Session
from anima.cli.root import launch
from anima.errors import UsageError
from anima.vocabulary import COMPACT, NEW

EVERYTHING = 1_000_000_000
TIMER = {"--every": "every", "--on-timer": "message"}
"""Options of `agent start`, as keys of `[timer]`."""

HELP = """
arya: words        speak to arya; arya: alone speaks with her from now on
@arya @bran words  speak to several; @all to everybody
arya: ask bran "…" arya asks bran, and tells you the answer
@file:path         sends the file along
\\ at the end       goes on in the next line
Ctrl-C             ends the turn; Ctrl-D leaves, and unfinished work goes on
"""


@dataclass(frozen=True)
class Desk:
    """What orders work with. `asker` is None where nobody can be asked."""

    session: Session
    asker: Asker | None


async def carry_out(order: Order, desk: Desk) -> None:
    """Do what was ordered. Raises AnimaError."""
    if (act := ORDERS.get(order.verb)) is not None:
        await act(desk, *order.words)
    else:
        desk.session.screen.note(f"{order.verb} is not active yet")


async def _program(desk: Desk, *words: str) -> bool:
    """A command of the program, in this home; whether it went well. It says itself what is wrong."""
    home = str(desk.session.company.home)
    return await asyncio.to_thread(launch, [*words, "--home", home]) == 0


async def _agents(desk: Desk) -> None:
    await _program(desk, "agent", "list")


async def _create(desk: Desk, *words: str) -> None:
    await _program(desk, "agent", "create", *words)


async def _start(desk: Desk, name: str, *options: str) -> None:
    name = desk.session.member(name)
    if options:
        await _set_timer(desk, name, options)
    await _program(desk, "agent", "start", name)


async def _rest(desk: Desk, name: str) -> None:
    await _program(desk, "agent", "stop", desk.session.member(name))


async def _set_timer(desk: Desk, name: str, options: Sequence[str]) -> None:
    given = dict(zip(options[::2], options[1::2], strict=False))
    if not given or len(options) % 2 or not given.keys() <= TIMER.keys():
        raise UsageError(f"an agent starts with {' and '.join(TIMER)}", f'agent start {name} --every 5m --on-timer "…"')
    desk.session.company.change(name, {("timer", TIMER[option]): value for option, value in given.items()})
    await desk.session.company.reload()


async def _new(desk: Desk) -> None:
    await desk.session.say(desk.session.to, NEW, [])


async def _compact(desk: Desk) -> None:
    await desk.session.say(desk.session.to, COMPACT, [])


async def _history(desk: Desk, most: str = "10") -> None:
    for name in desk.session.to:
        where = ("--agent", name, "--limit", most)
        await _program(desk, "conversation", "show", desk.session.company.conversation, *where)


async def _export(desk: Desk, path: str | None = None) -> None:
    company = desk.session.company
    said = [as_markdown(company.conversation, name, await company.turns(name, EVERYTHING)) for name in desk.session.to]
    if path is None:
        say("\n\n".join(said))
    else:
        _write(Path(path).expanduser(), "\n\n".join(said) + "\n")
        desk.session.screen.note(f"what was said is in {path}")


def _write(path: Path, text: str) -> None:
    """A new file, for its owner alone. Raises UsageError where there is one, or cannot be."""
    try:
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "name a file that is not there yet") from error


async def _tools(desk: Desk) -> None:
    for name in desk.session.to:
        agent = desk.session.company.described(name)
        rows = [(tool.name, one_line(tool.spec.description, 60)) for tool in agent.tools]
        print_table((f"TOOL OF {name}", "WHAT IT DOES"), rows)
        say(f"allowed without asking: {', '.join(agent.grants) or 'nothing that needs a yes'}")


async def _model(desk: Desk, model: str | None = None) -> None:
    for name in desk.session.to:
        if model is None:
            models = [each.name for each in desk.session.company.settings(name).settings.models]
            say(f"{name}: {', then '.join(models)}")
        elif await _program(desk, "agent", "edit", name, "--model", model):
            await desk.session.company.reload()


async def _status(desk: Desk) -> None:
    await _program(desk, "status")
    if desk.asker is not None and desk.asker.pending:
        say(f"waiting for your yes: {', '.join(desk.asker.pending)}")


async def _stop(desk: Desk) -> None:
    stopped = await desk.session.stop(desk.session.to)
    desk.session.screen.note(f"stopped: {', '.join(stopped) or 'nothing was under way'}")


async def _approve(desk: Desk, id: str | None = None) -> None:
    _decide(desk, id, True)


async def _deny(desk: Desk, id: str | None = None) -> None:
    _decide(desk, id, False)


def _decide(desk: Desk, id: str | None, allowed: bool) -> None:
    if desk.asker is None:
        raise UsageError("nothing waits for your yes", "without a terminal every such call is denied")
    chosen = desk.asker.decide(id, allowed)
    desk.session.screen.note(f"{chosen} {'runs' if allowed else 'is denied'}")


async def _attach(desk: Desk, path: str) -> None:
    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(f"there is no file {path}", "name it from where anima was started, or from /")
    desk.session.files.append(file)
    desk.session.screen.note(f"{file.name} goes with your next message")


async def _help(_desk: Desk) -> None:
    width = max(len(f"/{verb} {usage}") for verb, (usage, _) in COMMANDS.items())
    for verb, (usage, does) in COMMANDS.items():
        say(f"{f'/{verb} {usage}':<{width}}  {does}")
    say(HELP.rstrip())


ORDERS: Mapping[Verb, Callable[..., Awaitable[None]]] = {
    Verb.AGENTS: _agents,
    Verb.CREATE: _create,
    Verb.START: _start,
    Verb.REST: _rest,
    Verb.NEW: _new,
    Verb.COMPACT: _compact,
    Verb.EXPORT: _export,
    Verb.HISTORY: _history,
    Verb.TOOLS: _tools,
    Verb.MODEL: _model,
    Verb.STATUS: _status,
    Verb.STOP: _stop,
    Verb.APPROVE: _approve,
    Verb.DENY: _deny,
    Verb.ATTACH: _attach,
    Verb.HELP: _help,
}
