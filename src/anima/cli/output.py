"""What commands print: one JSON document, a table, or two lines of error. Answers to stdout, all else to stderr.

JSON is plain ASCII on one line: the same on every terminal and in every locale. This module knows no document's
meaning.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from anima.cli.inert import escaped
from anima.errors import AnimaError, SettingsError


def print_json(document: Mapping[str, object]) -> None:
    """Write one document on one line, and flush."""
    sys.stdout.write(json.dumps(document, default=str) + "\n")
    sys.stdout.flush()


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
