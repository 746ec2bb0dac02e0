"""`anima start`, `stop`, `restart`: a home comes to life, in the background or here, and is closed again.

This module does not know what a home does while it lives.
"""

import asyncio
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from anima.app import keep_home, log_kept
from anima.cli.options import home_option, json_option
from anima.cli.outcome import told
from anima.cli.output import print_json, say
from anima.errors import AgentBusy, AnimaError, NotFound, UsageError
from anima.runtime import door_of, knock, talk

OUTPUT = "runtime.out"
"""In `logs/`: what a runtime in the background prints, and why it died."""

SLOWEST_START = 60.0
"""Seconds a home may take until it is open."""


@click.command(
    epilog="""\b
Examples:
  anima start
  anima start --foreground
"""
)
@click.option("--foreground", is_flag=True, help="Run here, as systemd wants it; nobody starts it again.")
@click.option("--detach", is_flag=True, help="Run in the background, started again when it dies [the default].")
@home_option
def start(foreground: bool, detach: bool, home: Path) -> int:
    """Bring the home to life: its agents answer, by themselves, until `anima stop`."""
    if foreground and detach:
        raise UsageError("--foreground and --detach exclude each other", "`anima start --help` has examples")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if foreground:
        return _serve(home)
    running = knock(door_of(home), {"do": "status"})
    if running is not None:
        raise AgentBusy(f"this home is open already: process {running.get('pid')}", "`anima stop` closes it")
    _start(home)
    return 0


@click.command(
    epilog="""\b
Examples:
  anima stop
  anima stop --now
"""
)
@click.option("--now", is_flag=True, help="Cut off what runs; it is taken up again at the next start.")
@home_option
def stop(now: bool, home: Path) -> int:
    """Close the home: no new turns; those that run go to where they can be taken up again."""
    say("the home is closed" if _end(home, now=now) else "nothing runs here")
    return 0


@click.command(
    epilog="""\b
Example:
  anima restart
"""
)
@home_option
def restart(home: Path) -> int:
    """Close the home and open it again, with the program as it is installed now."""
    if not _end(home, again=True):
        _start(home)
        return 0
    for _ in range(int(SLOWEST_START / 0.05)):
        running = knock(door_of(home), {"do": "status"})
        if running is not None:
            say(f"the home is open: process {running['pid']}")
            return 0
        threading.Event().wait(0.05)
    raise AnimaError("the home was closed and is not open again", f"{home / 'logs' / 'anima.log'} says why")


@click.command(
    epilog="""\b
Example:
  anima reload
"""
)
@home_option
@json_option
def reload(home: Path, as_json: bool) -> int:
    """Read the settings of an open home again. Where they are wrong, those in force stay; exit status 2."""
    told = knock(door_of(home), {"do": "reload"}, SLOWEST_START)
    if told is None:
        raise NotFound("nothing runs here", "`anima start` opens the home; it reads the settings, too")
    if told["error"]:
        raise UsageError(str(told["error"]), "the settings that were last right stay in force until it is right")
    if as_json:
        print_json(told)
    else:
        say("the settings hold")
    return 0


def _serve(home: Path) -> int:
    """Keep the home alive in this process."""
    with log_kept(home):
        again = asyncio.run(keep_home(home, told))
    if again:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return 0


def _end(home: Path, **how: bool) -> bool:
    """Ask the runtime to end and wait until it has; whether there was one."""
    return bool([*talk(door_of(home), {"do": "end", **how}, None)])


def _start(home: Path) -> None:
    """Start the parent in the background, and wait until the home is open. Raises AnimaError when it does not open."""
    (home / "logs").mkdir(exist_ok=True, mode=0o700)
    output = home / "logs" / OUTPUT
    with _ear() as (place, ear), open(output, "ab", opener=_private) as file:
        parent = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "anima.cli.parent", str(home)],
            {**os.environ, "NOTIFY_SOCKET": place},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, file.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, file.fileno(), 2),
            ],
            setsid=True,
        )
        if not _hears(ear, parent):
            words = output.read_text(errors="replace").splitlines()
            why = [line.removeprefix("error: ") for line in words if line.startswith("error: ")] or words
            raise AnimaError(f"the home did not open: {why[-1] if why else 'it took too long'}", f"{output} says more")
    running = knock(door_of(home), {"do": "status"}) or {}
    say(f"the home is open: process {running.get('pid')}")


@contextmanager
def _ear() -> Iterator[tuple[str, socket.socket]]:
    """A socket on which the runtime says that it is ready, as systemd has it."""
    with (
        tempfile.TemporaryDirectory(prefix="anima-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear,
    ):
        ear.bind(f"{folder}/ready")
        ear.settimeout(0.1)
        yield f"{folder}/ready", ear


def _hears(ear: socket.socket, parent: int) -> bool:
    """Whether the runtime is ready, in time and before its parent has given up."""
    for _ in range(int(SLOWEST_START / 0.1)):
        try:
            if b"READY=1" in ear.recv(100):
                return True
        except TimeoutError:
            if os.waitpid(parent, os.WNOHANG) != (0, 0):
                return False
    return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
