"""`anima deadletter`: events set aside after repeated failure; what is known of each, and another try."""

from pathlib import Path

import click

from anima.cli.documents import event_document
from anima.cli.inert import one_line
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.clock import iso
from anima.runtime import door_of, knock
from anima.store import command
from anima.store import deadletters as store
from anima.store.deadletters import DeadLetter


@click.group(
    epilog="""\b
Examples:
  anima deadletter list
  anima deadletter requeue e17
"""
)
def deadletter() -> None:
    """List and show events set aside after repeated failure; try them again, or drop them."""


@deadletter.command(
    "list",
    epilog="""\b
Example:
  anima deadletter list --agent arya --json
""",
)
@click.option("--agent", help="Only this agent's.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@home_option
@json_option
def list_dead(agent: str | None, limit: int, home: Path, as_json: bool) -> None:
    """List dead letters, the newest first."""
    found: list[DeadLetter] = []
    if (home / "anima.db").exists():
        with command.reading(home / "anima.db") as db:
            found = store.dead_letters(db, agent, limit)
    if as_json:
        print_items([_document(each) for each in found])
        return
    rows = [
        (each.event.id, each.event.agent, str(each.event.attempts), iso(each.event.time) or "", each.event.error or "")
        for each in found
    ]
    print_table(("EVENT", "AGENT", "ATTEMPTS", "TIME", "ERROR"), rows)


@deadletter.command(
    epilog="""\b
Example:
  anima deadletter show e17
"""
)
@click.argument("id")
@home_option
@json_option
def show(id: str, home: Path, as_json: bool) -> None:
    """Show dead letter ID with its evidence."""
    with command.reading(home / "anima.db") as db:
        found = store.dead_letter(db, id)
    if as_json:
        print_json({"ok": True, "deadletter": _document(found)})
        return
    event = found.event
    say(f"event {event.id} for {event.agent} in {event.conversation}, {iso(event.time)}: {event.attempts} attempts")
    say(f"error: {event.error}")
    say(f"step {found.step or '-'}, context {found.context or '-'}; `anima turn show {event.turn}` shows its turn")
    say(f"  | {one_line(event.text, 200)}")


@deadletter.command(
    epilog="""\b
Example:
  anima deadletter requeue e17
"""
)
@click.argument("id")
@home_option
@json_option
def requeue(id: str, home: Path, as_json: bool) -> None:
    """Try dead letter ID again, from where its turn stands."""
    with command.changing(home / "anima.db") as db:
        found = store.requeue(db, id)
    knock(door_of(home), {"do": "look", "agent": found.event.agent})
    _told(id, "queued", as_json=as_json)


@deadletter.command(
    epilog="""\b
Example:
  anima deadletter drop e17
"""
)
@click.argument("id")
@home_option
@json_option
def drop(id: str, home: Path, as_json: bool) -> None:
    """Give dead letter ID up; it stays in the journal."""
    with command.changing(home / "anima.db") as db:
        store.drop(db, id)
    _told(id, "dropped", as_json=as_json)


def _told(id: str, state: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "event": id, "state": state})
    else:
        say(f"event {id} is {state}")


def _document(found: DeadLetter) -> dict[str, object]:
    """A dead letter in a list: its event, and the evidence."""
    document = event_document(found.event)
    return {**document, "error": found.event.error, "step": found.step, "context": found.context}
