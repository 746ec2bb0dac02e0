"""`anima timer`: which agents wake by themselves, and what became of every time one should have."""

from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_table
from anima.clock import iso
from anima.store import command, timers


@click.group(
    epilog="""\b
Examples:
  anima timer list
  anima timer history --agent arya
"""
)
def timer() -> None:
    """Show timers, and what became of their times."""


@timer.command(
    "list",
    epilog="""\b
Example:
  anima timer list --json
""",
)
@home_option
@json_option
def list_timers(home: Path, as_json: bool) -> None:
    """List the timers of the home, the one that is due next before the others."""
    found: list[timers.Scheduled] = []
    if (home / "anima.db").exists():
        with command.reading(home / "anima.db") as db:
            found = timers.scheduled(db)
    if as_json:
        print_items([{"agent": each.agent, "every": each.every, "next": iso(each.due)} for each in found])
        return
    print_table(("AGENT", "EVERY", "NEXT"), [(each.agent, f"{each.every:g} s", iso(each.due) or "") for each in found])


@timer.command(
    epilog="""\b
Example:
  anima timer history --agent arya --json
"""
)
@click.option("--agent", help="Only this agent's.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@home_option
@json_option
def history(agent: str | None, limit: int, home: Path, as_json: bool) -> None:
    """Show what became of every time a timer was due, the newest first: ran, late, or skipped and why."""
    found: list[timers.Occurrence] = []
    if (home / "anima.db").exists():
        with command.reading(home / "anima.db") as db:
            found = timers.occurrences(db, agent, limit)
    if as_json:
        print_items(
            [
                {
                    "agent": each.agent,
                    "due": iso(each.due),
                    "state": each.outcome,
                    "note": each.note,
                    "event": each.event,
                }
                for each in found
            ]
        )
        return
    rows = [(each.agent, iso(each.due) or "", each.outcome, each.event or "-", each.note) for each in found]
    print_table(("AGENT", "DUE", "STATE", "EVENT", "NOTE"), rows)
