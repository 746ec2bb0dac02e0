"""How long `anima --version` and `anima --help` take beside Python itself."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, compared, cpu_of, ratio

TIMES = 20


def figures() -> Iterator[Figure]:
    for option, target in (("--version", 2.0), ("--help", 4.0)):
        meaning = f"CPU of `anima {option}` / CPU of `python -c pass`, the same interpreter"
        yield compared(f"`anima {option}`", ratio(partial(anima, option), nothing), target, meaning)


def anima(option: str) -> float:
    return cpu_of([str(Path(sys.executable).with_name("anima")), option], TIMES)


def nothing() -> float:
    return cpu_of([sys.executable, "-c", "pass"], TIMES)
