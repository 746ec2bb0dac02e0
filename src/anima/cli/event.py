"""`anima event`: the mailboxes of a home. Only `release` changes anything."""

from pathlib import Path

import click

from anima.cli.documents import event_document
from anima.cli.inert import one_line
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.clock import iso
from anima.errors import NotFound, UsageError
from anima.runtime import door_of, knock
from anima.store import command, held
from anima.store.mailbox import find
from anima.vocabulary import Event, EventState


@click.group(
    epilog="""\b
Examples:
  anima event list --state held
  anima event release e17
"""
)
def event() -> None:
    """List and show events; let held ones go on."""


@event.command(
    "list",
    epilog="""\b
Example:
  anima event list --agent arya --state queued --json
""",
)
@click.option("--agent", help="Only this agent's.")
@click.option("--state", type=click.Choice([state.value for state in EventState]), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@home_option
@json_option
def list_events(agent: str | None, state: str | None, limit: int, home: Path, as_json: bool) -> None:
    """List events, the newest first."""
    found: list[Event] = []
    if (home / "anima.db").exists():
        with command.reading(home / "anima.db") as db:
            found = held.events(db, agent, state, limit)
    if as_json:
        print_items([event_document(each) for each in found])
        return
    rows = [
        (each.id, each.state, each.agent, iso(each.time) or "", each.conversation, one_line(each.text, 60))
        for each in found
    ]
    print_table(("EVENT", "STATE", "AGENT", "TIME", "CONVERSATION", "TEXT"), rows)


@event.command(
    epilog="""\b
Example:
  anima event show e17
"""
)
@click.argument("id")
@home_option
@json_option
def show(id: str, home: Path, as_json: bool) -> None:
    """Show event ID."""
    with command.reading(home / "anima.db") as db:
        found, replies = find(db, id), held.replies(db)
    if found is None:
        raise NotFound(f"there is no event {id!r}", "`anima event list` shows all events")
    if as_json:
        print_json({"ok": True, "event": {**event_document(found), "reply_held": id in replies}})
        return
    reply = ", its reply is held" if id in replies else ""
    say(f"event {found.id} for {found.agent} in {found.conversation}: {found.state}{reply}")
    say(f"from {found.source} ({found.label.trust.name.lower()}), {iso(found.time)}, turn {found.turn or '-'}")
    say("\n".join(f"  | {line}" for line in found.text.splitlines()))


@event.command(
    epilog="""\b
Examples:
  anima event release e17 e19
  anima event release --all
"""
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is held.")
@home_option
@json_option
def release(ids: tuple[str, ...], everything: bool, home: Path, as_json: bool) -> None:
    """Let held events go on, and held replies be delivered. What was done since the copy was made happens again."""
    if everything == bool(ids):
        raise UsageError("name the events, or --all", "`anima event list --state held` shows what is held")
    with command.changing(home / "anima.db") as db:  # what is held is nobody's, whoever is at work
        chosen = held.held(db) if everything else list(ids)
        for id in chosen:
            held.release(db, id)
        agents = {found.agent for id in chosen if (found := find(db, id))}
    for agent in sorted(agents):
        knock(door_of(home), {"do": "look", "agent": agent})
    if as_json:
        print_json({"ok": True, "released": chosen})
    else:
        say(f"released: {', '.join(chosen) or 'nothing was held'}")
