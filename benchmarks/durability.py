"""The table of docs/durability.md: a thousand random kills, seed 1, after three at every named point.

`python -m benchmarks.durability` writes it; exit status 1, and nothing written, when a promise was broken.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "durability.md"
COMMAND = ("torture", "--kills", "1000", "--seed", "1")
BLOCK = re.compile(r"(<!-- torture: .*? -->\n).*?(<!-- /torture -->)", re.DOTALL)
ANIMA = (sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())")


def table(report: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    points: Sequence[Mapping[str, Any]] = report["points"]
    rows = [f"| `{each['name']}` | {each['kills']} | {each['violations']} |" for each in points]
    total = f"| all | {report['kills']} | {len(report['violations'])} |"
    head = [f"`anima {' '.join(COMMAND)}`:", "", "| killed at | kills | violations |", "|---|---:|---:|"]
    return "\n".join([*head, *rows, total]) + "\n"


def main() -> int:
    done = subprocess.run([*ANIMA, *COMMAND, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout)
        return done.returncode
    PAGE.write_text(BLOCK.sub(lambda found: found[1] + table(json.loads(done.stdout)) + found[2], PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
