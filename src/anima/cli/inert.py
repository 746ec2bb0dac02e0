"""Text from outside made inert for a terminal: it can neither move the cursor nor reorder or hide what is read.

It does not know who wrote the text, nor where it is shown.
"""

import re

# Controls but newline and tab; bidirectional marks, overrides and isolates; line separators; invisible tags;
# lone surrogates.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)


def stripped(text: str) -> str:
    """Without what a terminal would obey. Works piece by piece: a sequence split between two pieces stays inert."""
    return _ACTIVE.sub("", text)


def escaped(text: str) -> str:
    """With what a terminal would obey written out (`\\x1b`), so that a reader sees that it is there."""
    return _ACTIVE.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str, width: int) -> str:
    """Stripped, on one line, `width` characters at most."""
    line = " ".join(stripped(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"
