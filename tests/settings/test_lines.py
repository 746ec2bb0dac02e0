"""The line finder: whatever `tomllib` reads, every key of it is found on its own line."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.settings.lines import line_numbers

DOCUMENT = '''\
# a comment with [brackets] and = signs
title = "x"          # line 2

[agent]
name = "a#b"         # line 5
"quoted.key" = 1     # line 6
a.b.c = 2            # line 7
text = """
[not.a.table]
x = 1 \\""" still text
ends in two quotes"""""
after = '#'          # line 12
'''


def test_tables_keys_and_dotted_keys_have_their_lines() -> None:
    lines = line_numbers(DOCUMENT)
    assert lines[("title",)] == 2
    assert lines[("agent",)] == 4
    assert lines[("agent", "name")] == 5
    assert lines[("agent", "quoted.key")] == 6
    assert lines[("agent", "a")] == lines[("agent", "a", "b", "c")] == 7
    assert lines[("agent", "text")] == 8
    assert lines[("agent", "after")] == 12


def test_arrays_of_tables_are_counted() -> None:
    lines = line_numbers("[[t]]\na = 1\n[[t]]\na = 2\n[t.inner]\nb = 3\n[[t.many]]\n[[t.many]]\nc = 4\n")
    assert lines[("t",)] == lines[("t", 0)] == 1
    assert lines[("t", 0, "a")] == 2
    assert lines[("t", 1, "a")] == 4
    assert lines[("t", 1, "inner", "b")] == 6
    assert lines[("t", 1, "many", 1, "c")] == 9


def test_lists_and_inline_tables_over_several_lines() -> None:
    lines = line_numbers(
        'fallback = [\n  "ollama/x", # first\n  { provider = "local", p = { input = 1.5 } },\n]\n'
        "last = 1979-05-27 07:32:00\n"
    )
    assert lines[("fallback",)] == 1
    assert lines[("fallback", 0)] == 2
    assert lines[("fallback", 1, "provider")] == 3
    assert lines[("fallback", 1, "p", "input")] == 3
    assert lines[("last",)] == 5


def test_windows_line_ends_count_once() -> None:
    assert line_numbers("a = 1\r\n\r\nb = 2\r\n")[("b",)] == 3


@pytest.mark.parametrize("file", sorted(Path().glob("**/*.toml")), ids=str)
def test_every_key_of_the_projects_own_files_is_found(file: Path) -> None:
    assert_all_found(file.read_text())


names = st.text(min_size=1, max_size=4)
scalars = st.one_of(st.integers(0, 9), st.booleans(), st.text(max_size=6).filter(lambda text: "\r" not in text))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=3))
def test_every_key_of_any_document_is_found(document: dict[str, Any]) -> None:
    text = "".join(
        f"[{quoted(table)}]\n" + "".join(f"{quoted(key)} = {written(value)}\n" for key, value in keys.items())
        for table, keys in document.items()
    )
    assert tomllib.loads(text) == document
    assert_all_found(text)


def assert_all_found(text: str) -> None:
    lines = line_numbers(text)
    assert set(lines) == set(paths(tomllib.loads(text), ()))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def paths(value: Any, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, inner in items:
        found += paths(inner, (*path, key))
    return found


def quoted(text: str) -> str:
    escaped = "".join(f"\\U{ord(char):08x}" if not char.isalnum() or not char.isascii() else char for char in text)
    return f'"{escaped}"'


def written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return quoted(value) if "'" in value or "\n" in value or not value.isprintable() else f"'{value}'"
        case list():
            return "[" + ", ".join(map(written, value)) + "\n]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)} = {written(inner)}" for key, inner in value.items()) + "}"
        case _:
            return str(value)
