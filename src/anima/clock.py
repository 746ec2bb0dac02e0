"""Time, fresh names and chance: the only source of them, handed in, faked in tests.

This module does not know what the values are used for. Wall time is for people; durations are monotonic.
"""

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the house may ask about time and chance."""

    def now(self) -> float:
        """Wall time, in seconds since 1970. It may jump; never measure with it."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, letting others run."""
        ...

    def new_key(self) -> str:
        """A fresh unguessable name: 26 characters, lower case."""
        ...

    def chance(self) -> float:
        """A number in [0, 1), for jitter."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def new_key(self) -> str:
        return secrets.token_hex(13)

    def chance(self) -> float:
        return random.random()


def iso(seconds: float | None) -> str | None:
    """Wall time as ISO 8601 with the machine's zone, to the millisecond; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def stamp(seconds: float) -> str:
    """Wall time as part of a file's name: `20260102T030405Z`, the same on every machine."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
