"""The supervisor: how many failures are borne before something is put to rest.

This module does not restart anything itself.
"""

from collections import deque

from anima.clock import Clock


class Supervisor:
    """Bears `intensity` failures of each name within `seconds`; one more is too many."""

    def __init__(self, clock: Clock, intensity: int = 3, seconds: float = 60.0) -> None:
        self.intensity = intensity
        self.seconds = seconds
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def bears(self, name: str) -> bool:
        """Count one more failure; whether it is still within what is borne."""
        failures = self._failures.setdefault(name, deque(maxlen=self.intensity + 1))
        failures.append(self._clock.monotonic())
        return len(failures) <= self.intensity or failures[-1] - failures[0] > self.seconds

    def forget(self, name: str) -> None:
        """Begin to count anew."""
        self._failures.pop(name, None)
