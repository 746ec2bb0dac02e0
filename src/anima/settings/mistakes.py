"""Turns what validation found into Problems: in our words, on their line, with the nearest right name.

No message holds a refused value, except short names (of a provider, say) that were checked for secrets before.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from anima.errors import Problem
from anima.settings.exposed import exposed
from anima.settings.fields import Table
from anima.settings.file import AgentSettings
from anima.settings.lines import KeyPath
from anima.settings.reading import Document

_EXPECTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": 'a list, as in ["a", "b"]',
    "model_type": "a table",
    "dict_type": "a table",
    "is_instance_of": "a path in quotes",
}
_BOUNDS = {
    "greater_than": "must be more than {gt:.12g}",
    "greater_than_equal": "must be at least {ge:.12g}",
    "less_than": "must be less than {lt:.12g}",
    "less_than_equal": "must be at most {le:.12g}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    str: "text",
    list: "a list",
    dict: "a table",
}


def open_secrets(document: Document) -> list[Problem]:
    """A Problem for each secret whose value stands in the file."""
    hint = 'write where it is: { env = "NAME" } or { file = "path" }'
    return [document.problem(key, "a secret is written in the open", hint) for key in exposed(document.values)]


def mistakes(document: Document, kind: type[Table], error: ValidationError) -> list[Problem]:
    """A Problem for each mistake in a file of this kind, those about exposed secrets left out."""
    secrets = list(exposed(document.values))
    found = []
    for details in error.errors(include_url=False):
        key = _key(details["loc"])
        if not any(key[: len(secret)] == secret or secret[: len(key)] == key for secret in secrets):
            found.append(document.problem(key, *_in_words(details, kind, key)))
    return found


def _in_words(details: ErrorDetails, kind: type[Table], key: KeyPath) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    wrong, context = details["type"], details.get("ctx", {})
    if wrong == "extra_forbidden":
        return _unknown(kind, key, details["input"])
    if wrong == "missing":
        return "is missing", 'write [agent] and below it name = "..."' if key == (
            "agent",
        ) else f"write {key[-1]} = ..."
    if wrong == "value_error":
        return str(context["error"]), ""
    if wrong == "literal_error":
        return _not_one_of(context["expected"], details["input"])
    if wrong in _BOUNDS:
        return _BOUNDS[wrong].format_map(context), ""
    expected = _EXPECTED.get(wrong, "something else")
    return f"expected {expected}, found {_kind_of(details['input'])}", ""


def _unknown(kind: type[Table], key: KeyPath, value: object) -> tuple[str, str]:
    """A key or table nobody knows; the nearest name here, else the same name in another table."""
    name = str(key[-1])
    known = _fields(kind, key[:-1])
    what = "unknown table" if isinstance(value, dict) else "unknown key"
    if near := get_close_matches(name.lower(), known, n=1, cutoff=0.65):
        return what, f"did you mean {near[0]}?"
    if elsewhere := [table for table, keys in _tables(AgentSettings) if name in keys]:
        return what, f"did you mean {name} in [{elsewhere[0]}]?"
    return what, f"known here: {', '.join(known)}" if known else ""


def _fields(kind: type[Table], key: KeyPath) -> list[str]:
    """The names a table knows, found by walking the types along a key."""
    here: Any = kind
    for part in key:
        table = model_in(here)
        if isinstance(part, str) and table is not None and part in table.model_fields:
            here = table.model_fields[part].annotation
    table = model_in(here)
    return list(table.model_fields) if table is not None else []


def _tables(kind: type[Table]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, field in kind.model_fields.items():
        table = model_in(field.annotation)
        if table is not None:
            yield name, table.model_fields


def model_in(annotation: Any) -> type[Table] | None:
    """The table inside a type such as `tuple[Annotated[Table, ...], ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    if get_origin(annotation) is None:
        return None
    return next((table for inner in get_args(annotation) if (table := model_in(inner)) is not None), None)


def _not_one_of(expected: str, value: object) -> tuple[str, str]:
    names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
    if not isinstance(value, str):
        return f"expected one of {', '.join(names)}, found {_kind_of(value)}", ""
    near = get_close_matches(value.lower(), names, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    return f"expected one of {', '.join(names)}, found {value[:40]!r}", hint


def _kind_of(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")


def _key(loc: tuple[str | int, ...]) -> KeyPath:
    return tuple(part for part in loc if part != "[key]")
