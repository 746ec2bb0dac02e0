"""`anima status`: whether the home is open, and how its agents are; the same words whether or not it is.

It reads the store and asks at the door; it changes nothing.
"""

from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, print_table, say
from anima.runtime import door_of, knock
from anima.store import Resident, Standing, command
from anima.store.residents import everybody

NOBODY = dict.fromkeys(("pid", "version", "since", "port", "settings", "error"))
COUNTED = ("queued", "waiting", "dead")


@click.command(
    epilog="""\b
Examples:
  anima status
  anima status --json
"""
)
@home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """Show whether the home is open, and how its agents are."""
    live = knock(door_of(home), {"do": "status"})
    runtime: dict[str, object] = {"running": live is not None, **NOBODY, "settings": "current"}
    if live is not None:
        runtime |= {key: value for key, value in live.items() if key != "ok"}
    troubles = runtime.get("troubles")
    agents = [
        _document(resident, troubles if isinstance(troubles, dict) else {}, open=live is not None)
        for resident in _everybody(home)
    ]
    if as_json:
        print_json({"ok": True, "runtime": runtime, "agents": agents})
    else:
        _show(runtime, agents)


def _everybody(home: Path) -> list[Resident]:
    """Those with a row, and those that so far have only a folder."""
    known: list[Resident] = []
    if (home / "anima.db").exists():
        with command.reading(home / "anima.db") as db:
            known = everybody(db)
    names = {resident.name for resident in known}
    folders = {path.parent.name for path in home.glob("agents/*/agent.toml")} - names
    return sorted([*known, *(Resident(name, "", Standing.ACTIVE) for name in folders)], key=lambda each: each.name)


def _document(resident: Resident, troubles: dict[str, str], *, open: bool) -> dict[str, object]:
    working = "running" if open and resident.events["running"] else "idle"
    return {
        "name": resident.name,
        "id": resident.key or None,
        "state": working if resident.standing == Standing.ACTIVE else resident.standing,
        **{key: resident.events[key] for key in COUNTED},
        "note": resident.note or troubles.get(resident.name),
    }


def _show(runtime: dict[str, object], agents: list[dict[str, object]]) -> None:
    if runtime["running"]:
        say(f"the home is open: process {runtime['pid']}, version {runtime['version']}, since {runtime['since']}")
    else:
        say("the home is closed; `anima start` opens it")
    if runtime["error"]:
        say(f"settings are wrong, so the last good ones hold: {runtime['error']}")
    abandoned = runtime.get("abandoned")
    for thread in abandoned if isinstance(abandoned, list) else ():
        say(f"{thread}: it did not return when it was to end; what it does is unknown")
    rows = [(*(str(agent[key]) for key in ("name", "state", *COUNTED)), str(agent["note"] or "")) for agent in agents]
    print_table(("AGENT", "STATE", "QUEUED", "WAITING", "DEAD", ""), rows)
