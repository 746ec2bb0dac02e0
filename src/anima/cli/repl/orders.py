"""What `/words` and the earlier runtime's sentences do. One function each; a table says which.

What has no function here is told to be not active yet. This module does not know how a line is typed.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from anima.cli.documents import answer_of
from anima.cli.inert import one_line
from anima.cli.output import print_table, say
from anima.cli.repl.asker import Asker
from anima.cli.repl.lines import COMMANDS, Order, Verb
from anima.cli.repl.session import Session
from anima.clock import iso
from anima.errors import UsageError

EXCHANGES = 10
"""How many `/history` shows."""

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


async def _agents(desk: Desk) -> None:
    to = desk.session.to
    rows = [
        ("*" if name in to else "", name, ", ".join(model.name for model in member.models))
        for name, member in desk.session.company.members.items()
    ]
    print_table(("TO", "AGENT", "MODEL"), rows)


async def _history(desk: Desk, most: str = str(EXCHANGES)) -> None:
    if not most.isdecimal() or int(most) < 1:
        raise UsageError(f"{most!r} is no number of exchanges", "/history 5")
    for name in desk.session.to:
        for turn in await desk.session.company.history(name, int(most)):
            say(f"{turn.id} {iso(turn.opened)}")
            for event in turn.events:
                say("\n".join(f"  > {line}" for line in event.text.splitlines()))
            say("\n".join(f"  {line}" for line in (answer_of(turn) or "(no answer)").splitlines()))


async def _tools(desk: Desk) -> None:
    for name in desk.session.to:
        agent = desk.session.company.members[name].agent
        print_table(
            ("TOOL", "WHAT IT DOES"), [(tool.name, one_line(tool.spec.description, 80)) for tool in agent.tools]
        )
        say(f"allowed without asking: {', '.join(agent.grants) or 'nothing that needs a yes'}")


async def _model(desk: Desk, model: str | None = None) -> None:
    if model is not None:
        desk.session.screen.note("another model is not active yet: change [llm] in the agent's settings")
        return
    for name in desk.session.to:
        models = [model.name for model in desk.session.company.members[name].models]
        say(f"{name}: {', then '.join(models)}")


async def _status(desk: Desk) -> None:
    rows = []
    for name in desk.session.company.members:
        busy = await desk.session.company.busy(name)
        rows.append((name, "at work" if busy else "idle", ", ".join(one_line(each, 40) for each in busy)))
    print_table(("AGENT", "STATE", "CONVERSATIONS"), rows)
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
