"""How to measure on a shared, noisy machine: rounds that alternate, medians, CPU instead of wall time.

The two sides of a ratio run in processes of their own, in turn, A B A B, and the ratio is taken pair by pair. This
module does not know what is measured.
"""

import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5

Measured = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """One figure and the most it should be. `value` is None where it could not be measured; `remark` says why.

    `unit` is "x" for a ratio; `meaning` says what was measured, and against what. `rounds` are the values of all
    rounds that `value` is the median of.
    """

    name: str
    value: float | None
    unit: str
    target: float
    meaning: str
    rounds: tuple[float, ...] = ()
    remark: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it is within its target, at the precision it is shown with; None where nobody knows."""
        return None if self.value is None else round(self.value, 2) <= self.target


@dataclass(frozen=True)
class Work:
    """What a side does: `turns` turns in all, in `lanes` conversations at a time, spread over `agents`.

    `window` is how many earlier turns are shown, in one conversation that grows; 0 gives every turn of a lone lane a
    conversation of its own. `url` is a model server, "" for a scripted model in process. The store is in `folder`.
    """

    folder: str
    turns: int
    lanes: int = 1
    agents: int = 1
    window: int = 0
    url: str = ""


def side(name: str, work: Work | None = None, *, under: Sequence[str] = ()) -> Measured:
    """Run a program of `sides` to its end, below the command `under` if given, and return what it prints."""
    command = [*under, sys.executable, "-m", f"benchmarks.sides.{name}"]
    if work is not None:
        command.append(json.dumps(asdict(work)))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    measured: Measured = json.loads(done.stdout)
    return measured


def ratio(ours: Callable[[], float], floor: Callable[[], float]) -> tuple[float, ...]:
    """Ours / floor, of alternating rounds, after one round that is not counted."""
    ours(), floor()
    return tuple(ours() / floor() for _ in range(ROUNDS))


def compared(name: str, rounds: Sequence[float], target: float, meaning: str) -> Figure:
    """A figure that is a ratio: the median of its rounds."""
    return Figure(name, statistics.median(rounds), "x", target, meaning, tuple(rounds))


def cpu_of(command: Sequence[str], times: int) -> float:
    """User and system seconds of running a command `times` times, its output thrown away."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def syncs(work: Work) -> float | None:
    """How often the kernel is asked to sync while the runtime does this work; None without strace."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.NamedTemporaryFile("r") as trace:
        side("turns", work, under=[strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", trace.name])
        return len(re.findall(r"\bf(?:data)?sync\(", trace.read()))


@contextmanager
def on_tmpfs() -> Iterator[str]:
    """A folder where a store does not measure the disk."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield folder


@contextmanager
def on_disk() -> Iterator[str]:
    """A folder on a real disk."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield folder


@contextmanager
def model_server() -> Iterator[str]:
    """The URL of a scripted model server, a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sides.server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()
