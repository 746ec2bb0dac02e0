"""A home kept alive: from the open door and the first look for work to the last turn left where it can go on.

This module does not know how settings become agents, nor who starts it again when it dies.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from anima import __version__
from anima.clock import Clock, iso
from anima.runtime.door import Line, Wish, door_of, open_door
from anima.runtime.health import answering
from anima.runtime.household import Roster
from anima.runtime.pulse import beating, notify
from anima.runtime.reception import Reception, Told
from anima.runtime.renewal import Renewal
from anima.runtime.runtime import Runtime
from anima.runtime.tasks import Tasks
from anima.tools.running import ABANDONED

log = logging.getLogger("anima.runtime")


@dataclass(frozen=True)
class Terms:
    """How a home is kept: seconds turns have when all is to end, seconds the loop may stand still, the HTTP port.

    Port 0 is any free one.
    """

    stop_timeout: float = 10.0
    stalled_after: float = 30.0
    port: int = 0


class Keeper:
    """Keeps a home alive until it is asked to end."""

    def __init__(self, home: Path, runtime: Runtime, roster: Roster, clock: Clock) -> None:
        self._home = home
        self._runtime = runtime
        self._roster = roster
        self._clock = clock
        self._since = clock.now()
        self._renewal = Renewal(runtime.household, roster)
        self._tasks = Tasks()
        self._ending = asyncio.Event()
        self._at_once = asyncio.Event()
        self._port: int | None = None
        self._open = False
        self.again = False

    async def keep(self, told: Told, terms: Terms) -> None:
        """Open the home and serve until the end. What does not end in time is cut off."""
        async with (
            self._heeding_signals(),
            beating(self._clock, terms.stalled_after),
            answering(terms.port, self._ready) as self._port,
            self.open(told) as ending,
        ):
            notify("READY=1")
            await ending.wait()
            self._open = False
            notify("STOPPING=1")
            await self._leave(terms.stop_timeout)
        log.info("the home is closed")

    @contextlib.asynccontextmanager
    async def open(self, told: Told) -> AsyncIterator[asyncio.Event]:
        """The door is open and work is looked for; what is given is set when somebody asks for the end."""
        reception = Reception(self._runtime, told, self._status, self._reload, self._end)
        async with open_door(door_of(self._home), reception.answer):
            await self._runtime.household.start()
            self._open = True
            log.info("the home is open, process %d", os.getpid())
            self._tasks.begin(self._look_at_settings())
            yield self._ending
        await self._renewal.aclose()
        await self._tasks.end()

    async def _leave(self, seconds: float) -> None:
        """Turns go to where they can be taken up again, while events are still accepted."""
        leaving = asyncio.ensure_future(self._runtime.household.leave(seconds))
        at_once = asyncio.ensure_future(self._at_once.wait())
        await asyncio.wait((leaving, at_once), return_when=asyncio.FIRST_COMPLETED)
        if not leaving.done():
            await self._runtime.household.leave(0)
        at_once.cancel()
        await leaving

    def _end(self, wish: Wish) -> None:
        """End, now or when turns have come to where they can go on; `again`: and start anew."""
        self.again = bool(wish.get("again"))
        if wish.get("now") or self._ending.is_set():
            self._at_once.set()
        self._ending.set()

    def _ready(self) -> bool:
        """Whether events are taken and seen to."""
        return self._open and self._runtime.store.takes

    def _status(self) -> Line:
        troubles = self._runtime.household.troubles
        return {
            "pid": os.getpid(),
            "version": __version__,
            "since": iso(self._since),
            "port": self._port,
            "settings": "last_good" if troubles else "current",
            "error": next(iter(troubles.values()), None),
            "troubles": dict(troubles),
            "abandoned": [each.name for each in threading.enumerate() if each.name.startswith(ABANDONED)],
        }

    async def _reload(self) -> Line:
        await self._look_at_settings()
        await self._renewal.reload()
        status = self._status()
        return {"settings": status["settings"], "error": status["error"]}

    async def _look_at_settings(self) -> None:
        """Find out what is wrong with files nobody has needed yet."""
        found = await self._roster.faults(self._runtime.store)
        for name in {*found, *self._runtime.household.troubles}:
            self._runtime.household.note(name, found.get(name))

    @contextlib.asynccontextmanager
    async def _heeding_signals(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._end, {})
        loop.add_signal_handler(signal.SIGHUP, lambda: self._tasks.begin(self._heed_hangup()))
        try:
            yield
        finally:
            for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(each)

    async def _heed_hangup(self) -> None:
        await self._reload()
