"""`python -m benchmarks [NAME ...]`: measure, print, and write docs/performance.md when nothing was left out."""

import sys

from benchmarks import durable, growth, idle, network, start
from benchmarks.measure import ROOT, Figure
from benchmarks.page import page, row

BENCHMARKS = {
    "start": ("Start", start.figures),
    "turn": ("A durable turn", durable.figures),
    "http": ("A turn through HTTP", network.figures),
    "growth": ("A conversation that grows", growth.figures),
    "idle": ("An idle runtime", idle.figures),
}


def main(names: list[str]) -> int:
    """Exit status 2 when there is no such benchmark. A missed target is told, and is no failure: machines are noisy."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    measured: dict[str, list[Figure]] = {}
    for name in names or BENCHMARKS:
        title, figures = BENCHMARKS[name]
        print(f"\n{title}")
        measured[title] = []
        for figure in figures():
            print(row(figure), flush=True)
            measured[title].append(figure)
    if not names:
        (ROOT / "docs" / "performance.md").write_text(page(measured) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
