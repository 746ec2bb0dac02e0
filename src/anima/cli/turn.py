"""`anima turn`: the custody of turns, read from the journal. Only `stop` changes anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from anima.cli.console import spent
from anima.cli.documents import active_seconds, answer_of, turn_document, turn_headline
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.clock import SystemClock, iso
from anima.errors import NotFound, TurnFailed
from anima.runtime import Agent, Mode, Runtime, door_of, knock
from anima.sandbox.net import Reach
from anima.store import Store
from anima.tools.catalog import load
from anima.vocabulary import Effect, Step, Turn

store_option = click.option(
    "--store", type=click.Path(path_type=Path), help="The store file, where the settings name one [HOME/anima.db]."
)


@click.group(
    epilog="""\b
Examples:
  anima turn list
  anima turn show t17
"""
)
def turn() -> None:
    """List, show and stop turns."""


@turn.command(
    "list",
    epilog="""\b
Example:
  anima turn list --agent arya --limit 10 --json
""",
)
@click.option("--agent", help="Only this agent's.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@store_option
@home_option
@json_option
def list_turns(agent: str | None, limit: int, store: Path | None, home: Path, as_json: bool) -> None:
    """List turns, the newest first."""

    async def read() -> list[Turn]:
        async with _journal(store, home) as journal:
            return [] if journal is None else await journal.turns(agent, limit)

    turns = asyncio.run(read())
    if as_json:
        print_items([turn_headline(found) for found in turns])
        return
    rows = [(found.id, found.state, found.agent, iso(found.opened) or "", found.conversation) for found in turns]
    print_table(("TURN", "STATE", "AGENT", "OPENED", "CONVERSATION"), rows)


@turn.command(
    epilog="""\b
Example:
  anima turn show t17
"""
)
@click.argument("id")
@store_option
@home_option
@json_option
def show(id: str, store: Path | None, home: Path, as_json: bool) -> None:
    """Show everything that is known of turn ID: its events, each step, each call, what it cost."""

    async def read() -> Turn | None:
        async with _journal(store, home) as journal:
            return None if journal is None else await journal.turn(id)

    found = asyncio.run(read())
    if found is None:
        raise NotFound(f"there is no turn {id!r}", "`anima turn list` shows all turns")
    if as_json:
        print_json({"ok": True, "turn": turn_document(found)})
    else:
        _tell_story(found)


@turn.command(
    epilog="""\b
Example:
  anima turn stop t17
"""
)
@click.argument("id")
@store_option
@home_option
@json_option
def stop(id: str, store: Path | None, home: Path, as_json: bool) -> None:
    """End turn ID without an answer: its events are dropped, a call that had begun becomes unknown."""

    stopped = asyncio.run(_stop(id, store, home))
    if as_json:
        print_json({"ok": True, "turn": turn_document(stopped)})
    else:
        say(f"turn {id} is stopped; its task is dropped")


async def _stop(id: str, store: Path | None, home: Path) -> Turn:
    """Ask the process that runs the agent to end the turn; where there is none, end it here."""
    async with _journal(store, home) as journal:
        event = await journal.event("e" + id[1:]) if journal and id.startswith("t") else None
        if journal is None or event is None:
            raise NotFound(f"there is no turn {id!r}", "`anima turn list` shows all turns")
        wish = {"do": "stop_turn", "turn": id}
        reply = knock(door_of(home), wish) or knock(door_of(home / "agents" / event.agent), wish)
        if reply is not None:
            return _stopped(reply, await journal.turn(id))
    agent = Agent(event.agent, tools=load(["shell"], None, Reach(), SystemClock()).tools)
    async with Runtime(home, [agent], mode=Mode("asked", store=store)) as runtime:
        return await runtime.stop_turn(id)


@turn.command(
    epilog="""\b
Examples:
  anima turn fork t17 --at 2
  anima run config.toml --resume --conversation fork:t17
"""
)
@click.argument("id")
@click.option("--at", type=click.IntRange(min=1), required=True, help="The step that is thought anew.")
@store_option
@home_option
@json_option
def fork(id: str, at: int, store: Path | None, home: Path, as_json: bool) -> None:
    """Begin a turn that shares the steps of turn ID before step AT. None of their calls is made again."""

    async def begin() -> Turn:
        async with _journal(store, home) as journal:
            if journal is None:
                raise NotFound(f"there is no turn {id!r}", "`anima turn list` shows all turns")
            return await journal.fork(id, at)

    forked = asyncio.run(begin())
    if as_json:
        print_json({"ok": True, "turn": turn_document(forked)})
    else:
        say(f"turn {forked.id} is held; go on: anima run CONFIG --resume --conversation {forked.conversation}")


def _stopped(reply: dict[str, object], turn: Turn | None) -> Turn:
    """What the process that runs the agent made of the wish."""
    error = reply.get("error")
    if isinstance(error, dict):
        raise TurnFailed(str(error["message"]), str(error["hint"]))
    if turn is None:
        raise TurnFailed("the turn was stopped, and is not in this store", "`--store` names the agent's own")
    return turn


@asynccontextmanager
async def _journal(store: Path | None, home: Path) -> AsyncIterator[Store | None]:
    """The store for reading, checked as every start does; None where nothing was ever kept."""
    path = store or home / "anima.db"
    if not path.exists():
        yield None
        return
    journal = await Store.open(path, SystemClock())
    try:
        yield journal
    finally:
        await journal.aclose()


def _tell_story(turn: Turn) -> None:
    """A turn for a person: top to bottom as it happened."""
    say(f"turn {turn.id} of {turn.agent} in {turn.conversation}: {turn.state}")
    say(f"opened {iso(turn.opened)}, closed {iso(turn.closed) or '-'}, {active_seconds(turn):.2f} s active")
    for event in turn.events:
        say(f"event {event.id} ({event.source}, {event.label.trust.name.lower()}, {event.state}) {iso(event.time)}")
        say(_indented(event.text))
    for step in turn.steps:
        _tell_step(step)
    if turn.error:
        say(f"ended by: {turn.error}")
    say(f"spent: {spent(turn.usage)}")
    if answer := answer_of(turn):
        say(f"answer ({'printed ' + str(iso(turn.printed)) if turn.printed else 'not printed yet'}):")
        say(_indented(answer))


def _tell_step(step: Step) -> None:
    say(f"step {step.n} ({step.kind}, {step.model}, {step.seconds:.2f} s, {spent(step.usage)})")
    if step.text:
        say(_indented(step.text))
    for effect in step.effects:
        _tell_effect(effect)


def _tell_effect(effect: Effect) -> None:
    say(f"  call {effect.id} {effect.tool} ({effect.effect_class}): {effect.decision}, {effect.state}")
    for name, value in effect.arguments.items():
        say(f"    {name} = {value!r}")
    if effect.begun is not None:
        say(f"    begun {iso(effect.begun)}, finished {iso(effect.finished) or '-'}, attempts {effect.attempts}")
    if effect.result:
        say(_indented(effect.result, "    | "))


def _indented(text: str, margin: str = "  | ") -> str:
    return "\n".join(margin + line for line in text.splitlines())
