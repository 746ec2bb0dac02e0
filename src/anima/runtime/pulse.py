"""The pulse: the loop shows that it moves, to whoever started the program and to a thread that ends a dead loop.

Ending the process is the way to restart it: whoever started it starts it again, and what was under way is found on
disk. This module does not know what the loop does.
"""

import asyncio
import contextlib
import faulthandler
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator

from anima.clock import Clock


def notify(words: str) -> None:
    """Tell systemd, or whoever set `$NOTIFY_SOCKET`, how it stands: `READY=1`, `STOPPING=1`, `WATCHDOG=1`."""
    place = os.environ.get("NOTIFY_SOCKET")
    if place:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.sendto(words.encode(), "\0" + place[1:] if place.startswith("@") else place)


@contextlib.asynccontextmanager
async def beating(clock: Clock, patience: float) -> AsyncIterator[None]:
    """Beat while the block runs; a loop that does not move for `patience` seconds ends the process (SIGABRT)."""
    beats = [clock.monotonic()]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(patience / 4):
            if clock.monotonic() - beats[0] > patience:
                faulthandler.dump_traceback()
                os.kill(os.getpid(), signal.SIGABRT)

    async def beat() -> None:
        while True:
            beats[0] = clock.monotonic()
            notify("WATCHDOG=1")
            await clock.sleep(patience / 8)

    thread = threading.Thread(target=watch, name="anima-pulse", daemon=True)
    thread.start()
    task = asyncio.get_running_loop().create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        over.set()
