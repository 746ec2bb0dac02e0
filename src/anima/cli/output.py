"""What commands print: one JSON document, a table, or two lines of error. Answers to stdout, all else to stderr.

JSON is plain ASCII on one line: the same on every terminal and in every locale. This module knows no document's
meaning.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

from anima.cli.inert import escaped
from anima.errors import AnimaError, SettingsError


@contextmanager
def stdout_for_answers() -> Iterator[TextIO]:
    """Standard output, for the answer alone: what a tool prints meanwhile, by whatever way, goes to stderr."""
    out = sys.stdout
    kept = _moved(out)
    if kept is not None:
        out = open(kept, "w", encoding=out.encoding, errors=out.errors)  # noqa: SIM115 - closed below
    try:
        with redirect_stdout(sys.stderr):
            yield out
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            with suppress(OSError):  # whoever read it has gone
                out.close()


def _moved(out: TextIO) -> int | None:
    """Where descriptor 1 leads, under another number, while 1 itself leads to stderr; None where it is not stdout."""
    try:
        if out.fileno() != 1:
            return None
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        return None
    return kept


def print_json(document: Mapping[str, object], out: TextIO | None = None) -> None:
    """Write one document on one line, and flush."""
    out = out or sys.stdout
    out.write(json.dumps(document, default=str) + "\n")
    out.flush()


def print_items(items: Sequence[Mapping[str, object]]) -> None:
    """Write a list as a document."""
    print_json({"ok": True, "items": list(items)})


def say(text: str) -> None:
    """Write a line for the reader on stdout."""
    sys.stdout.write(escaped(text) + "\n")


def tell(text: str) -> None:
    """Write a line about the work on stderr."""
    sys.stderr.write(escaped(text) + "\n")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write aligned columns; the last one is as long as it is."""
    lines = [[escaped(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head) - 1)]
    for line in lines:
        padded = [f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)]
        sys.stdout.write("  ".join([*padded, line[-1]]).rstrip() + "\n")


def error_document(error: AnimaError) -> dict[str, object]:
    """An error as a document, with whatever is known beside it."""
    named = {"type": error.type, "message": error.message, "hint": error.hint}
    return {**error.details, "ok": False, "error": named}


def complain(error: AnimaError) -> None:
    """Write an error on stderr: what is wrong, then what to do."""
    messages = [str(problem) for problem in error.problems] if isinstance(error, SettingsError) else [error.message]
    for message in messages:
        tell(f"error: {message}")
    if error.hint:
        tell(f"  hint: {error.hint}")


def report(error: AnimaError, *, as_json: bool) -> int:
    """Tell an error in the form that was asked for; returns its exit status."""
    if as_json:
        print_json(error_document(error))
    else:
        complain(error)
    return error.exit_status
