"""Where the child is killed: at every named point, then at random moments drawn from a seed. Pure.

Drawn by hashing, not by a generator, so that a seed means the same kills in every version of Python.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

BY_CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL at the `crossing`-th pass of a named point; or, with `after`, that many seconds into the life."""

    point: str
    crossing: int = 1
    after: float | None = None

    def __str__(self) -> str:
        return f"{self.point}:{self.crossing}" if self.after is None else f"{self.point}:{self.after:.3f}s"


def at_named_points(crossings: Mapping[str, int], times: int, lives: int) -> Iterator[list[Kill]]:
    """Every point, home by home: in its first crossing; with `times` 2 or 3 also in its middle and last one.

    A first crossing can be in any life, so a home is killed `lives` times; the others are where a fresh home has them.
    """
    yield from in_homes((Kill(point) for point in crossings), lives)
    for place in range(1, times):
        for point, most in crossings.items():
            yield [Kill(point, (most + 1) // 2 if place == 1 else most)]


def at_random(crossings: Mapping[str, int], kills: int, seed: int, lives: int) -> Iterator[list[Kill]]:
    """`kills` times, `lives` of them in each home: any point, any of its crossings; less is left for later lives."""
    points = list(crossings)
    drawn = []
    for n in range(kills):
        point = points[int(_chance(seed, n, "point") * len(points))]
        most = max(crossings[point] // (n % lives + 1), 1)
        drawn.append(Kill(point, 1 + int(_chance(seed, n, "crossing") * most)))
    return in_homes(drawn, lives)


def by_clock(seconds: float, kills: int, seed: int, lives: int) -> Iterator[list[Kill]]:
    """`kills` times at any moment of a life that takes `seconds`; what runs then, no seed can say."""
    return in_homes((Kill(BY_CLOCK, after=_chance(seed, n, "clock") * seconds) for n in range(kills)), lives)


def in_homes(kills: Iterable[Kill], lives: int) -> Iterator[list[Kill]]:
    """So many kills for each home, in order."""
    rest = iter(kills)
    return iter(lambda: list(islice(rest, lives)), [])


def _chance(seed: int, n: int, what: str) -> float:
    """A number in [0, 1)."""
    digest = hashlib.sha256(f"{seed} {n} {what}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
