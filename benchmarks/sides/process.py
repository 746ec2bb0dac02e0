"""What a side knows of itself: the work it was given, the memory it uses."""

import json
import os
import sys
from pathlib import Path

from benchmarks.measure import Work

WARM = 5
"""Turns of every lane before anything is counted."""


def given() -> Work:
    """The work on the command line."""
    return Work(**json.loads(sys.argv[1]))


def tell(**figures: float) -> None:
    """Print what was measured."""
    print(json.dumps(figures))


def memory() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
