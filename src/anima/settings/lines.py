"""Finds the line of every key of a TOML document, which `tomllib` does not tell.

The text must be one that `tomllib` has accepted: nothing is checked here, and no value is understood.
"""

import re
import tomllib

KeyPath = tuple[str | int, ...]
"""Where a value is: names of tables and keys, and places in lists, from the outside in."""

_TOKEN = re.compile(
    r'''
    """(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5}      # strings over several lines; two quotes may stand before the end
    | "(?:\\.|[^"\\])*" | '[^']*'                    # strings
    | [^\s\[\]{}=,."'#]+ | [\[\]{}=,.\n]            # bare words, marks, line ends
    | (?P<skipped>\#[^\n]*|\s)                       # comments, space
    ''',
    re.DOTALL | re.VERBOSE,
)


def line_numbers(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table, key and list item; of a table written in pieces, its first."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks over the tokens once, keeping the place it is in."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        line = 1
        for found in _TOKEN.finditer(text):
            if not found["skipped"]:
                self._tokens.append((found[0], line))
            line += found[0].count("\n")
        self._tokens.append(("", line))
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._last: dict[KeyPath, int] = {}  # the newest table of each array of tables

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._peek:
            if self._peek == "\n":
                self._take()
            elif self._peek == "[":
                table = self._header()
            else:
                self._assignment(table)
        return self._lines

    @property
    def _peek(self) -> str:
        return self._tokens[self._at][0]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _note(self, path: KeyPath) -> None:
        """Remember a place and the tables around it that were not seen before."""
        line = self._tokens[self._at][1]
        for depth in range(1, len(path) + 1):
            self._lines.setdefault(path[:depth], line)

    def _header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`; a name that is an array of tables means its newest table."""
        self._take()
        many = self._peek == "["
        if many:
            self._take()
        *outer, name = self._key()
        path: KeyPath = ()
        for part in outer:
            path = self._newest((*path, part))
        path = (*path, name)
        if many:
            self._last[path] = self._last.get(path, -1) + 1
        path = self._newest(path)
        self._note(path)
        while self._peek == "]":
            self._take()
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        return (*path, self._last[path]) if path in self._last else path

    def _key(self) -> tuple[str, ...]:
        """A dotted key, up to what ends it."""
        parts = [self._name()]
        while self._peek == ".":
            self._take()
            parts.append(self._name())
        return tuple(parts)

    def _name(self) -> str:
        token = self._take()
        return str(tomllib.loads(f"name = {token}")["name"]) if token[0] in "\"'" else token

    def _assignment(self, table: KeyPath) -> None:
        start = self._at
        path = (*table, *self._key())
        self._at, after = start, self._at
        self._note(path)
        self._at = after
        self._take()  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opened = self._peek
        if opened == "[":
            self._list(path)
        elif opened == "{":
            self._inline_table(path)
        else:
            while self._peek not in ("\n", ",", "]", "}", ""):
                self._take()

    def _list(self, path: KeyPath) -> None:
        self._take()
        n = 0
        while self._peek != "]":
            if self._peek in ("\n", ","):
                self._take()
                continue
            self._note((*path, n))
            self._value((*path, n))
            n += 1
        self._take()

    def _inline_table(self, path: KeyPath) -> None:
        self._take()
        while self._peek != "}":
            if self._peek in ("\n", ","):
                self._take()
            else:
                self._assignment(path)
        self._take()
