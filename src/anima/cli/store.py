"""`anima store`: what the store holds, and what is removed from it on request."""

import re
from dataclasses import asdict
from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, print_table, say
from anima.clock import SystemClock, iso
from anima.errors import UsageError
from anima.store import retention


@click.group(
    epilog="""\b
Examples:
  anima store stats
  anima store prune --results-older-than 90d
"""
)
def store() -> None:
    """Show what the store holds; remove old results of tools."""


@store.command(
    epilog="""\b
Example:
  anima store stats --json
"""
)
@home_option
@json_option
def stats(home: Path, as_json: bool) -> None:
    """Show rows, sizes, ages and backups."""
    found = retention.stats(home)
    if as_json:
        times = {"oldest_event": iso(found.oldest_event), "newest_event": iso(found.newest_event)}
        print_json({"ok": True, **asdict(found), **times, "backups": [str(path) for path in found.backups]})
        return
    print_table(("TABLE", "ROWS"), [(table, str(count)) for table, count in found.rows.items()])
    say(f"{found.bytes} bytes, {found.free_bytes} of them free, {found.wal_bytes} in the log; version {found.version}")
    say(f"agents: {', '.join(found.agents) or 'none'}")
    say(f"events from {iso(found.oldest_event) or '-'} to {iso(found.newest_event) or '-'}")
    for path in found.backups:
        say(f"backup: {path}")


@store.command(
    epilog="""\b
Example:
  anima store prune --results-older-than 90d
"""
)
@click.option("--results-older-than", "age", required=True, metavar="DAYS", help="How old, in days, as in 90d.")
@home_option
@json_option
def prune(age: str, home: Path, as_json: bool) -> None:
    """Replace the texts of old tool results; events, replies and effects stay. Backups are not touched."""
    days = re.fullmatch(r"([1-9][0-9]{0,5})d", age)
    if not days:
        raise UsageError(f"{age!r} is not an age in days", "for example --results-older-than 90d")
    done = retention.prune(home, SystemClock().now() - int(days[1]) * 86_400)
    if as_json:
        print_json({"ok": True, **asdict(done)})
    else:
        say(f"{done.results} results removed ({done.text_bytes} bytes of text); the file is {done.freed_bytes} smaller")
