"""`anima logs`: what the home has to say about its work, as it stands in `logs/anima.log`."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, say

LOOK = 0.2
"""Seconds between two looks for new lines."""


@click.command(
    epilog="""\b
Examples:
  anima logs
  anima logs -f --agent arya
"""
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--agent", help="Only what is said of this agent.")
@click.option("--lines", type=click.IntRange(0), default=100, show_default=True, help="How many earlier ones at most.")
@home_option
@json_option
def logs(follow: bool, agent: str | None, lines: int, home: Path, as_json: bool) -> None:
    """Show the log; times, levels, and which agent it is about."""
    path = home / "logs" / "anima.log"
    earlier = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    chosen = [entry for line in earlier.splitlines() if (entry := _entry(line, agent))]
    for entry in chosen[len(chosen) - min(lines, len(chosen)) :]:
        _show(entry, as_json=as_json)
    if follow:
        for line in _following(path, len(earlier.encode())):
            if entry := _entry(line, agent):
                _show(entry, as_json=as_json)


def _entry(line: str, agent: str | None) -> dict[str, str] | None:
    """A line of the log that is about `agent`; None for any other, and for half a line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and agent in (None, entry.get("agent")) else None


def _show(entry: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(entry)
    else:
        say(f"{entry['time']} {entry['level']:<7} {entry['message']}")
        for line in entry.get("trace", "").splitlines():
            say(f"    {line}")


def _following(path: Path, place: int) -> Iterator[str]:
    """Lines written after `place`; a log that was set aside goes on in the new one."""
    never = threading.Event()
    file: TextIO | None = None
    while True:
        if path.exists() and (file is None or file.fileno() < 0 or path.stat().st_size < place):
            file, place = path.open(encoding="utf-8", errors="replace"), min(place, path.stat().st_size)
            file.seek(place)
        for line in file or ():
            place += len(line.encode())
            yield line
        never.wait(LOOK)
