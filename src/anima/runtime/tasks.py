"""Tasks with an owner: none is lost, none outlives its owner, and one that fails is told of.

This module does not know what the tasks do.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger("anima.runtime")


class Tasks:
    """Tasks of one owner. `failed` is told of each that ends with an error; otherwise it is logged."""

    def __init__(self, failed: Callable[[Exception], None] | None = None) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Do this beside the rest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def end(self) -> None:
        """Cancel all and wait for them, but for the one that asks."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and self._failed:
            self._failed(error)
        elif error is not None:
            log.error("a task failed", exc_info=error)
