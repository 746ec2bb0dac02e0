"""Reads the text of `{"answer": "..."}` while it is being written.

It does not check the JSON: a grammar has forced it.
"""

import re

from anima.models.encoding import parse

_OPENING = re.compile(r'\s*\{\s*"answer"\s*:\s*"')
_LETTERS = re.compile(r'(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*')
_HALF_A_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}$")


class AnswerText:
    """Fed with pieces of JSON, gives the letters of the answer that are complete so far. `written` is all of it."""

    def __init__(self) -> None:
        self.written = ""
        self._place = 0

    def feed(self, piece: str) -> str:
        """New letters; none while it may still be something else than an answer."""
        self.written += piece
        if not self._place:
            opening = _OPENING.match(self.written)
            if opening is None:
                return ""
            self._place = opening.end()
        letters = _LETTERS.match(self.written, self._place)
        assert letters is not None
        half = _HALF_A_PAIR.search(letters[0])
        whole = letters[0][: half.start()] if half else letters[0]
        self._place += len(whole)
        return str(parse(f'"{whole}"'))
