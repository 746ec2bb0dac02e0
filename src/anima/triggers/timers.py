"""Who has a timer, as the settings in a home's folder say now.

Files are read again when they have changed, and only those that speak of a timer; one that is wrong now keeps the
timer it had. This module does not know when a timer goes off.
"""

import asyncio
import os
from pathlib import Path

from anima.errors import SettingsError
from anima.settings import LOOK_AROUND, load
from anima.store.residents import Residents
from anima.triggers.schedule import Timer

Stamp = tuple[int, int]


class HomeTimers:
    """The timers of a home's agents. Those who live by another's settings have its timer, too."""

    def __init__(self, home: Path, residents: Residents) -> None:
        self._home = home
        self._residents = residents
        self._stamps: dict[str, Stamp] = {}
        self._timers: dict[str, Timer] = {}

    async def find(self) -> dict[str, Timer]:
        """Every agent that has a timer; each has a row then."""
        await asyncio.to_thread(self._read_changed)
        await self._residents.enroll(self._timers)
        found = dict(self._timers)
        for name, timer in self._timers.items():
            found |= dict.fromkeys(await self._residents.pupils(name), timer)
        return found

    def _read_changed(self) -> None:
        stamps = {path.parent.name: _stamp(path) for path in (self._home / "agents").glob("*/agent.toml")}
        for name in self._timers.keys() - stamps.keys():
            del self._timers[name]
        for name, stamp in stamps.items():
            if stamp != self._stamps.get(name):
                self._read(name)
        self._stamps = stamps

    def _read(self, name: str) -> None:
        path = self._home / "agents" / name / "agent.toml"
        try:
            text = path.read_text(encoding="utf-8")
            timer = _timer(path, self._home) if "timer" in text or "heartbeat" in text else None
        except (OSError, UnicodeDecodeError, SettingsError):
            return  # `status` tells of it
        self._timers.pop(name, None)
        if timer is not None:
            self._timers[name] = timer


def _timer(path: Path, home: Path) -> Timer | None:
    """The timer of one file; `[heartbeat]` is what the earlier runtime called it."""
    settings = load(path, home).settings
    if settings.timer is not None:
        return Timer(settings.timer.every, settings.timer.message)
    if settings.heartbeat is not None and settings.heartbeat.enabled:
        return Timer(settings.heartbeat.interval, LOOK_AROUND)
    return None


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
