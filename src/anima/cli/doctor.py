"""`anima doctor`: looks at everything a run stands on, and says of each fault what to do. It repairs nothing.

A check is a function that takes the home and returns one Check; to add one, write it and name it in CHECKS.
"""

import asyncio
import shutil
import sqlite3
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, say
from anima.cli.surroundings import local_engine, local_models, offers
from anima.clock import SystemClock, iso
from anima.errors import StoreError
from anima.store import Store

LOW_WATER = 200 * 1024 * 1024
"""Bytes of free disk below which new work is at risk."""

EARLIEST = 1_767_225_600.0
"""The start of 2026 (seconds since 1970): a clock before it is wrong."""


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is as it should be, what was seen, and what to do about it."""

    name: str
    ok: bool
    message: str
    hint: str = ""


@click.command(
    epilog="""\b
Example:
  anima doctor --json
"""
)
@home_option
@json_option
def doctor(home: Path, as_json: bool) -> int:
    """Look for what is wrong, and say what to do. Exit status 1 when something is."""
    checks = [check(home) for check in CHECKS]
    well = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": well, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            say(f"{'ok  ' if check.ok else 'BAD '} {check.name}: {check.message}")
            if check.hint:
                say(f"       {check.hint}")
    return 0 if well else 1


def check_python(_home: Path) -> Check:
    version = f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    fits = sys.version_info >= (3, 11) and sqlite3.sqlite_version_info >= (3, 37)
    return Check("python", fits, version, "" if fits else "install Python 3.11 or newer, with SQLite 3.37 or newer")


def check_home(home: Path) -> Check:
    if not home.exists():
        return Check("home", True, f"{home} is not made yet", f"`anima init {home}` makes it")
    if not home.is_dir():
        return Check("home", False, f"{home} is not a folder", "name another with --home or $ANIMA_HOME")
    agents = sorted(path.parent.name for path in home.glob("agents/*/agent.toml"))
    return Check("home", True, f"{home}, agents: {', '.join(agents) or 'none'}")


def check_permissions(home: Path) -> Check:
    """Nobody else of this machine may read what an agent knows."""
    owned = [home, *home.glob("*"), *home.glob("agents/*"), *home.glob("agents/*/*.toml"), *home.glob("files/*")]
    open_to_others = [path for path in owned if path.exists() and path.stat().st_mode & 0o077]
    if not open_to_others:
        return Check("permissions", True, "only you can read the home")
    told = ", ".join(str(path) for path in open_to_others[:3]) + (", ..." if len(open_to_others) > 3 else "")
    return Check("permissions", False, f"others can read {told}", f"chmod -R go= {home}")


def check_store(home: Path) -> Check:
    path = home / "anima.db"
    if not path.exists():
        return Check("store", True, "nothing is kept yet")
    try:
        problems, newest = asyncio.run(_examine(path))
    except StoreError as error:
        return Check("store", False, error.message, error.hint)
    if problems:
        return Check("store", False, "; ".join(problems), "stop every run, copy the file away, and restore a backup")
    return Check("store", True, f"{path} is sound, last turn {iso(newest) or 'never'}")


async def _examine(path: Path) -> tuple[list[str], float | None]:
    """What is wrong with a store, and when its newest turn was opened."""
    store = await Store.open(path, SystemClock())
    try:
        turns = await store.turns(limit=1)
        return await store.check(), turns[0].opened if turns else None
    finally:
        await store.aclose()


def check_disk(home: Path) -> Check:
    place = next(path for path in (home, *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    enough = free >= LOW_WATER
    return Check("disk", enough, f"{free // 2**20} MB free", "" if enough else f"free 200 MB or more at {place}")


def check_models(home: Path) -> Check:
    found = [f"{offer.provider} ({offer.why})" for offer in offers()]
    found += [f"local/{name}" for name in local_models(home)] if local_engine() else []
    if found:
        return Check("models", True, ", ".join(found))
    if local_engine():
        return Check("models", True, "local, once fetched", "`anima model get` fetches it; a first run does, too")
    return Check("models", False, "none can answer", "set a key, start Ollama, or pip install 'anima-runtime[local]'")


def check_clock(home: Path) -> Check:
    now = SystemClock().now()
    if now < EARLIEST:
        return Check("clock", False, f"it says {iso(now)}", "set the machine's clock")
    written = [path.stat().st_mtime for path in home.glob("anima.db*")]
    if written and max(written) > now + 60:
        return Check("clock", False, f"it says {iso(now)}, the store was written later", "set the machine's clock")
    return Check("clock", True, f"it says {iso(now)}")


CHECKS = (check_python, check_home, check_permissions, check_store, check_disk, check_models, check_clock)
