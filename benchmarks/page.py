"""Figures as a table for the terminal, and as docs/performance.md. It does not know how any of them was measured."""

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence

from benchmarks.measure import ROUNDS, Figure

Groups = Mapping[str, Sequence[Figure]]

HEAD = f"""\
# Performance

Made by `make bench`, which measures every figure anew and writes this page; do not edit it.

On a shared machine the same code takes twice as long a minute later, and a sync takes a tenth of a millisecond or
four. So hardly a figure here is a time. A ratio compares Anima with its *floor*: the least that anybody pays for the
same thing, written by hand and measured in the same run. Both sides run {ROUNDS} times in turn, each in a process of
its own; a figure is the median of the {ROUNDS} ratios (the lowest and the highest in brackets). CPU is user and system
time of the process, all threads together. Everything else is a count.
"""
WIDTHS = (48, 24, 10, 8)


def lines(figure: Figure) -> tuple[str, str, str, str]:
    """Name, value, target and whether it was reached, as text."""
    reached = {True: "yes", False: "**no**", None: "unknown"}[figure.reached]
    return figure.name, _value(figure), f"≤ {_number(figure.target, figure.unit)}", reached


def row(figure: Figure) -> str:
    """One line for a terminal."""
    texts = (text.replace("**", "").replace("`", "") for text in lines(figure))
    return "  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS, strict=True)).rstrip()


def page(groups: Groups) -> str:
    """The whole of docs/performance.md."""
    made = f"Made with Python {platform.python_version()} and SQLite {sqlite3.sqlite_version} on {os.cpu_count()} CPUs."
    return "\n".join([HEAD, made, *(_group(name, figures) for name, figures in groups.items())])


def _group(name: str, figures: Sequence[Figure]) -> str:
    rows = ["| " + " | ".join(lines(figure)) + " |" for figure in figures]
    table = ["| figure | measured | target | reached |", "| --- | --- | --- | --- |", *rows]
    meanings = [f"- **{figure.name}**: {figure.meaning}{_remark(figure)}." for figure in figures]
    return "\n".join(["", f"## {name}", "", *table, "", *meanings])


def _remark(figure: Figure) -> str:
    return f" ({figure.remark})" if figure.remark and figure.value is not None else ""


def _value(figure: Figure) -> str:
    if figure.value is None:
        return figure.remark
    value = _number(figure.value, figure.unit)
    if not figure.rounds:
        return value
    return f"{value} ({min(figure.rounds):.2f} to {max(figure.rounds):.2f})"


def _number(value: float, unit: str) -> str:
    return f"{value:.2f}".removesuffix(".00") + (f" {unit}" if unit else "")
