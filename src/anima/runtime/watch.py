"""Watching: progress handed to whoever looks, never waiting for anybody.

A watcher that is slow loses the oldest news; nothing depends on them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from anima.runtime.metrics import Metrics
from anima.vocabulary import Progress

MOST = 10_000
"""News kept for a watcher that does not look."""


class Watch:
    """One watcher's own line of news. Iterate over it; leave it by `close`."""

    def __init__(self, wanted: Callable[[Progress], bool], leave: Callable[["Watch"], None]) -> None:
        self._wanted = wanted
        self._leave = leave
        self._news: deque[Progress] = deque(maxlen=MOST)
        self._some = asyncio.Event()
        self._over = False

    def take(self, news: Progress) -> None:
        """Offer news; kept if this watcher wants it."""
        if self._wanted(news):
            self._news.append(news)
            self._some.set()

    async def __aiter__(self) -> AsyncIterator[Progress]:
        while True:
            while self._news:
                yield self._news.popleft()
            if self._over:
                return
            self._some.clear()
            await self._some.wait()

    async def stream(self) -> AsyncIterator[Progress]:
        """The news one by one; whoever stops iterating has left."""
        try:
            async for news in self:
                yield news
        finally:
            self.close()

    def end(self) -> None:
        """There will be no more news."""
        self._over = True
        self._some.set()

    def close(self) -> None:
        """Look no longer."""
        self._leave(self)


class Gallery:
    """Everybody who watches, and the metrics, which watch everything."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self._watches: list[Watch] = []

    def report(self, news: Progress) -> None:
        """Tell everybody; returns at once."""
        self.metrics.take(news)
        for watch in self._watches:
            watch.take(news)

    def close(self) -> None:
        """Nothing happens any more: everybody who watches comes to an end."""
        for watch in self._watches:
            watch.end()

    def watch(self, wanted: Callable[[Progress], bool]) -> Watch:
        """A new watcher, from now on."""
        watch = Watch(wanted, self._watches.remove)
        self._watches.append(watch)
        return watch
