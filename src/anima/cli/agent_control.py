"""`anima agent pause|resume|stop|start`: whether an agent begins turns. It lasts, whether or not the home is open."""

from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.outcome import named
from anima.cli.output import print_json, say
from anima.clock import SystemClock
from anima.errors import NotFound
from anima.runtime import door_of, knock
from anima.store import Standing, command, residents, upkeep


@click.command(
    epilog="""\b
Example:
  anima agent pause arya
"""
)
@click.argument("name")
@home_option
@json_option
def pause(name: str, home: Path, as_json: bool) -> None:
    """Agent NAME begins no turn from now on; one that runs goes on to its end."""
    _settle(home, name, Standing.PAUSED, as_json=as_json)


@click.command(
    epilog="""\b
Example:
  anima agent resume arya
"""
)
@click.argument("name")
@home_option
@json_option
def resume(name: str, home: Path, as_json: bool) -> None:
    """Agent NAME begins turns again, with what has come in meanwhile."""
    _settle(home, name, Standing.ACTIVE, as_json=as_json)


@click.command(
    epilog="""\b
Example:
  anima agent stop arya
"""
)
@click.argument("name")
@home_option
@json_option
def stop(name: str, home: Path, as_json: bool) -> None:
    """Agent NAME begins no turn from now on, and one that runs is ended: its task is dropped."""
    _settle(home, name, Standing.STOPPED, as_json=as_json)


@click.command(
    epilog="""\b
Example:
  anima agent start arya
"""
)
@click.argument("name")
@home_option
@json_option
def start(name: str, home: Path, as_json: bool) -> None:
    """Agent NAME begins turns again, as `resume`."""
    _settle(home, name, Standing.ACTIVE, as_json=as_json)


def _settle(home: Path, name: str, standing: Standing, *, as_json: bool) -> None:
    """Ask the home that is open; change its store where it is not."""
    told = knock(door_of(home), {"do": "settle", "agent": name, "standing": standing}, 30.0)
    if told is None:
        _settle_here(home, name, standing)
    elif error := named(told):
        raise error
    if as_json:
        print_json({"ok": True, "agent": name, "state": "idle" if standing == Standing.ACTIVE else standing})
    else:
        say(f"{name} is {standing}")


def _settle_here(home: Path, name: str, standing: Standing) -> None:
    clock = SystemClock()
    described = (home / "agents" / name / "agent.toml").is_file()
    if not described and not (home / "anima.db").exists():
        raise NotFound(f"no agent is called {name!r} here", "`anima status` shows all agents")
    with command.changing(home / "anima.db", fresh=True) as db:
        if described and upkeep.agent(db, name) is None:
            residents.enroll(db, [(name, clock.new_key())], clock.now(), None)
        residents.settle(db, name, standing, None)
