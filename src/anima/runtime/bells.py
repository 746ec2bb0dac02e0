"""Bells: somebody waits until one of several names is called.

This module does not know what the names mean.
"""

import asyncio
from collections.abc import Coroutine


class Bells:
    """Who listens to which names, and which names were called while nobody listened."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[asyncio.Event]] = {}
        self._missed: set[str] = set()

    def ring(self, name: str, *, keep: bool = True) -> None:
        """Call a name; `keep`: whoever listens to it later hears it too, once."""
        for listener in self._listeners.get(name, ()):
            listener.set()
        if keep and name not in self._listeners:
            self._missed.add(name)

    async def hear(self, names: tuple[str, ...], patience: Coroutine[object, object, None]) -> None:
        """Wait until one of the names is called, or `patience` has run out."""
        heard = asyncio.Event()
        waits = [asyncio.ensure_future(patience), asyncio.ensure_future(heard.wait())]
        for name in names:
            self._listeners.setdefault(name, []).append(heard)
            if name in self._missed:
                self._missed.discard(name)
                heard.set()
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            for name in names:
                self._listeners[name].remove(heard)
                if not self._listeners[name]:
                    del self._listeners[name]
