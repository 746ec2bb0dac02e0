"""All of it together: lives and deaths by plan, in as many homes as it takes, and one report.

A home is killed once at a named point, or several times in a row at random ones; then it lives until it is done, and
is audited. Homes know nothing of each other, so some are tortured side by side.
"""

import asyncio
import sys
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from anima.clock import SystemClock
from anima.errors import AnimaError
from anima.faults import POINTS
from anima.torture import audit, plan
from anima.torture.audit import Finding, Violation
from anima.torture.life import NEVER, Ending, Entry, Home, Snapshot
from anima.torture.plan import Kill

CHILD = (sys.executable, "-m", "anima.torture.child")
LIVES = 3
"""Random kills of one home. An event may be attempted once more than that: then it has done nothing wrong."""
SIDE_BY_SIDE = 2
PATIENCE = 60.0
"""Seconds a life may take before it counts as stuck."""
CONVERSATIONS = 4
"""Worked on at a time where kills come by the clock; else it is one, so that a kill means the same in every run."""


@dataclass(frozen=True)
class Order:
    """What is asked for: `kills` random ones drawn from `seed`, after `times` (1 to 3) at every named point.

    `by_clock`: at moments of the wall clock instead of crossings of points, and at no named ones before.
    """

    kills: int
    seed: int
    times: int = 3
    by_clock: bool = False


@dataclass
class Report:
    """What came of it: every kill that was made, and every broken promise."""

    kills: list[Kill] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def points(self) -> list[tuple[str, int, int]]:
        """Each point with its kills and its violations; a named one that was not passed has no kills."""
        kills = Counter(kill.point for kill in self.kills)
        broken = Counter(violation.point.partition(":")[0] for violation in self.violations)
        named = () if plan.BY_CLOCK in kills else POINTS
        return [(name, kills[name], broken[name]) for name in dict.fromkeys([*named, *kills, *broken])]

    def blame(self, kill: Kill | None, findings: Iterable[Finding]) -> None:
        """Lay findings at the door of the last kill before them."""
        point = "none" if kill is None else str(kill)
        self.violations += [Violation(kind, point, evidence) for kind, evidence in findings]


async def torture(order: Order, told: Callable[[int], None], child: Sequence[str] = CHILD) -> Report:
    """Carry out an order. `told` hears, after every kill, how many were made."""
    async with open_chamber(child, CONVERSATIONS if order.by_clock else 1) as chamber:
        crossings, seconds = await chamber.measure()
        if chamber.report.violations:
            return chamber.report
        if order.by_clock:
            rounds = [*plan.by_clock(seconds, order.kills, order.seed, LIVES)]
        else:
            rounds = [*plan.at_named_points(crossings, order.times, LIVES)]
            rounds += plan.at_random(crossings, order.kills, order.seed, LIVES)
        await chamber.inflict(rounds, told)
        return chamber.report


@asynccontextmanager
async def open_chamber(child: Sequence[str], parallel: int, patience: float = PATIENCE) -> AsyncIterator["Chamber"]:
    """A place to torture in: a folder, and a ledger in its own process. All of it is gone afterwards.

    `child` is the command of the program that is killed, `parallel` how many conversations it works on at a time,
    `patience` the seconds a life may take.
    """
    with tempfile.TemporaryDirectory(prefix="anima-torture-") as name:
        ledger = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "anima.torture.ledger", name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert ledger.stdout is not None
            port = int(await ledger.stdout.readline() or 0)
            if not port:
                raise AnimaError("the ledger did not start", "its error stands above")
            yield Chamber(lambda round: Home(Path(name), round, child, port), parallel, patience)
        finally:
            if ledger.returncode is None:
                ledger.kill()
            await ledger.wait()


class Chamber:
    """Where homes are tortured; `report` grows with each."""

    def __init__(self, home: Callable[[int], Home], parallel: int, patience: float) -> None:
        self.report = Report()
        self.home = home
        self._parallel = parallel
        self._patience = patience
        self._rounds = 0

    async def measure(self) -> tuple[dict[str, int], float]:
        """A whole life without a kill: how often it passes each point, and how many seconds it takes."""
        clock = SystemClock()
        started = clock.monotonic()
        entries, _ = await self._round(deque(), lambda _: None)
        (left,) = [entry["left"] for entry in entries if entry["kind"] == "end"] or [{}]
        return {point: NEVER - most for point, most in left.items() if most < NEVER}, clock.monotonic() - started

    async def inflict(self, rounds: Sequence[Sequence[Kill]], told: Callable[[int], None] = lambda _: None) -> None:
        """Kill as planned; each round is a home of its own. What a round did not reach is done in further homes.

        `told` hears, after every kill, how many were made.
        """
        waiting = deque(deque(kills) for kills in rounds)

        async def work() -> None:
            while waiting:
                kills = waiting.popleft()
                while kills:
                    _, made = await self._round(kills, told)
                    if not made:
                        self._soften(kills)

        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(work())

    def _soften(self, kills: deque[Kill]) -> None:
        """A fresh home did not pass its first point that often: try an earlier crossing, or tell of it."""
        kill = kills.popleft()
        if kill.after is not None:
            kills.appendleft(replace(kill, after=kill.after / 2))
        elif kill.crossing > 1:
            kills.appendleft(replace(kill, crossing=kill.crossing // 2))
        else:
            self.report.blame(kill, [("never_reached", "a whole life went by")])

    async def _round(self, kills: deque[Kill], told: Callable[[int], None]) -> tuple[list[Entry], int]:
        """One home: killed as long as kills are reached, which are then taken off; then left alive, and audited.

        Returns its ledger, and how many kills were made.
        """
        self._rounds += 1
        home = self.home(self._rounds)
        looks: list[Snapshot] = []
        made: list[Kill] = []
        try:
            while True:
                kill = kills[0] if kills else None
                ending = await home.live(kill, self._parallel, self._patience)
                if ending.killed and kill is not None:
                    made.append(kills.popleft())
                    self.report.kills.append(made[-1])
                    told(len(self.report.kills))
                looks.append(await home.look(killed=ending.killed))
                self.report.blame(made[-1] if made else None, audit.at_death(looks[-1], home.entries()))
                if not ending.killed:
                    break
            self.report.blame(made[-1] if made else None, _last_words(ending))
            self.report.blame(made[-1] if made else None, audit.at_end(looks, home.entries()))
            return home.entries(), len(made)
        finally:
            await home.aclose()


def _last_words(ending: Ending) -> list[Finding]:
    """A life that was not killed ends with status 0."""
    if ending.status is None:
        return [("stuck", ending.stderr[-2000:])]
    return [("crashed", ending.stderr[-2000:])] if ending.status else []
