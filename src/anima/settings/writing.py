"""Changes one value in the text of a settings file and leaves every other byte as it is.

It does not know what the value means; whoever writes the text back reads it first.
"""

import json
import re
import tomllib

from anima.settings.lines import line_numbers


def with_value(text: str, table: str, key: str, value: str) -> str:
    """The text with `key` of `[table]` set to a string; a table that is not there is added at the end."""
    written = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = text.split("\n")
    places = line_numbers(text)
    if (table, key) in places:
        place = places[table, key] - 1
        changed = re.sub(rf"\b{key}\s*=\s*(\"[^\"]*\"|'[^']*')", lambda _: written, lines[place], count=1)
        return "\n".join([*lines[:place], changed, *lines[place + 1 :]])
    header = next((n for n, line in enumerate(lines) if re.fullmatch(rf"\s*\[\s*{table}\s*\]\s*(#.*)?", line)), None)
    if header is None:
        return f"{text.rstrip()}\n\n[{table}]\n{written}\n".lstrip()
    return "\n".join([*lines[: header + 1], written, *lines[header + 1 :]])


def without_value(text: str, table: str, key: str) -> str:
    """The text without the line of `key` of `[table]`; a value of several lines goes whole."""
    lines = text.split("\n")
    first = line_numbers(text).get((table, key))
    if first is None:
        return text
    for last in range(first, len(lines) + 1):
        rest = "\n".join([*lines[: first - 1], *lines[last:]])
        try:
            tomllib.loads(rest)
        except tomllib.TOMLDecodeError:
            continue
        return rest
    return text
