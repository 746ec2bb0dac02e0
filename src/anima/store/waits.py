"""Waits: when an event that was put off comes again, by a clock that nobody can set.

The store keeps the wall time at which an event is due, for the next start; while this process lives, what counts is
how much time has passed. This module does not know why an event waits.
"""

from anima.clock import Clock

LONGEST = 604_800.0
"""Seconds an event may have to wait at most; one that is due later was put off by a clock that was wrong."""
ROUNDING = 0.001
"""Seconds that adding and taking away wall times may cost."""


class Waits:
    """The waits that began, or were found, in this process. Events are named by their numbers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[int, float] = {}

    def begin(self, event: int, due: float) -> None:
        """The event waits until `due` (wall seconds, by the clock as it is now)."""
        seconds = due - self._clock.now()
        self._until[event] = self._clock.monotonic() + (seconds if seconds <= LONGEST else 0.0)

    def end(self, event: int) -> None:
        """The event waits no longer."""
        self._until.pop(event, None)

    def over(self) -> list[int]:
        """The events that have waited long enough."""
        now = self._clock.monotonic() + ROUNDING
        return [event for event, until in self._until.items() if until <= now]
