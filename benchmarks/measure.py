"""How to measure on a shared, noisy machine: rounds that alternate, medians, CPU instead of wall time.

Each side of a pair runs in a process of its own that prints one JSON document; both are run in turn, A B A B, and the
ratio is taken pair by pair.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """One measured figure beside what it should reach. `floor` names what it is compared to, "" for none."""

    name: str
    value: float
    unit: str
    target: float
    floor: str = ""

    @property
    def reached(self) -> bool:
        return self.value <= self.target


def part(module: str, *arguments: str) -> dict[str, float]:
    """Run `python -m benchmarks.MODULE ARGUMENTS` and return what it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def ratio(ours: Callable[[], float], floor: Callable[[], float], rounds: int = ROUNDS) -> float:
    """The median of ours / floor over alternating rounds, after one round that is not counted."""
    ours(), floor()
    return statistics.median(ours() / floor() for _ in range(rounds))


def child_cpu(command: Sequence[str]) -> float:
    """User and system seconds of one run of a command, its output thrown away."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def memory() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def written() -> int:
    """Bytes this process has handed to write calls so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])


def on_tmpfs() -> Path:
    """Where a database does not measure the disk."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path("/tmp")


def tell(**figures: float) -> None:
    """Print what a part measured, for `part`."""
    print(json.dumps(figures))
