"""Reads one TOML file: text, values, and the line of every key; or what is wrong with it, in one clear Problem.

This module does not know what the keys mean.
"""

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from anima.errors import Problem, SettingsError
from anima.settings.lines import KeyPath, line_numbers

LARGEST = 1_000_000
"""Bytes; more than that is not a settings file."""


@dataclass(frozen=True)
class Document:
    """A settings file as it was read."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line(self, key: KeyPath) -> int | None:
        """The line of a key, or of the nearest table around it."""
        for depth in range(len(key), 0, -1):
            if key[:depth] in self.lines:
                return self.lines[key[:depth]]
        return None

    def problem(self, key: KeyPath, message: str, hint: str = "") -> Problem:
        """A mistake in this file."""
        return Problem(str(self.path), self.line(key) or 1, dotted(key), message, hint)


def dotted(key: KeyPath) -> str:
    """`("llm", "fallback", 1, "model")` as `llm.fallback[1].model`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return "".join(parts).removeprefix(".")


def read(path: Path, text: str | None = None) -> Document:
    """A file's values; `text` is read in its place. Raises SettingsError when it cannot be read or is not TOML."""
    text = read_text(path) if text is None else text
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_bad_toml(path, text, str(error))]) from error
    except (RecursionError, ValueError) as error:
        raise SettingsError([Problem(str(path), None, "", "is nested too deep or holds a number too long")]) from error
    return Document(path, values, line_numbers(text))


def read_text(path: Path) -> str:
    """A file's text. Raises SettingsError where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError([_unreadable(path, error)]) from error
    except ValueError as error:
        raise SettingsError([Problem(str(path), None, "", "is not a path")]) from error
    if len(data) > LARGEST:
        raise SettingsError([Problem(str(path), None, "", f"is larger than {LARGEST:,} bytes")])
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError([Problem(str(path), line, "", "is not UTF-8 text", "save it as UTF-8")]) from error


def _unreadable(path: Path, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        near = get_close_matches(path.name, _names_beside(path), n=1)
        hint = f"did you mean {path.with_name(near[0])}?" if near else "`anima init` makes a home with one agent"
        return Problem(str(path), None, "", "there is no such file", hint)
    if isinstance(error, IsADirectoryError):
        inside = [name for name in ("agent.toml", "config.toml") if (path / name).is_file()]
        hint = f"did you mean {path / inside[0]}?" if inside else "name the file in it"
        return Problem(str(path), None, "", "is a folder, not a file", hint)
    return Problem(str(path), None, "", f"cannot be read: {error.strerror}", "check its owner and permissions")


def _names_beside(path: Path) -> list[str]:
    try:
        return [file.name for file in path.parent.iterdir()]
    except OSError:
        return []


def _bad_toml(path: Path, text: str, message: str) -> Problem:
    """`tomllib` says where in its message; at the end of the document it means the last line with something on it."""
    found = re.search(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$", message)
    line = int(found[1]) if found and found[1] else max(text.rstrip().count("\n"), 0) + 1
    reason = message[: found.start()] if found else message
    written = text.split("\n")[line - 1]
    if reason.startswith("Cannot declare"):
        table = re.match(r"\s*\[+\s*([\w.-]+)", written)
        return Problem(str(path), line, table[1] if table else "", "this table is written twice", "merge the two")
    if reason == "Cannot overwrite a value":
        key = re.match(r"\s*([\w.-]+)\s*=", written)
        return Problem(str(path), line, key[1] if key else "", "this key is written twice", "keep one of them")
    return Problem(str(path), line, "", f"is not TOML: {reason[:1].lower()}{reason[1:]}", _usual_slip(written))


def _usual_slip(written: str) -> str:
    """What most likely happened on a line that is not TOML."""
    if re.match(r"\s*[\w.-]+\s*:", written):
        return "TOML writes key = value"
    if re.search(r"=\s*[A-Za-z]", written):
        return "text stands in quotes; true and false are written small"
    return ""
