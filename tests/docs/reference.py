"""Makes the reference pages from the program itself: `python -m tests.docs.reference` writes them.

What stands in a page above the mark is written by hand; what stands below is made here, and a test compares it.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from annotated_types import Ge, Gt, Le, MaxLen
from pydantic.fields import FieldInfo

import anima
import anima.testing
from anima.cli import overview
from anima.cli.root import root
from anima.settings import AgentSettings, HomeSettings, Table
from anima.settings.mistakes import model_in
from anima.tools.tool import Options
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
MARK = "<!-- below: made by `python -m tests.docs.reference` -->\n"
LATER = " *Not active yet.*"
WIDTH = 78
"""Columns of a command's help, as it is printed where no terminal says otherwise."""

Node = ast.FunctionDef | ast.AsyncFunctionDef


def settings_page() -> Iterator[str]:
    """Every table of an agent's file, in its order."""
    for name, field in AgentSettings.model_fields.items():
        table = model_in(field.annotation)
        assert table is not None
        notes = (" Shared." if name in HomeSettings.model_fields else "") + (LATER if field.json_schema_extra else "")
        yield from _table(f"[{name}]", table, notes)
        for key, inner in table.model_fields.items():
            if below := model_in(inner.annotation):
                yield from _table(f"[{name}] {key}", below, "")


def _table(name: str, table: type[Table], notes: str) -> Iterator[str]:
    yield f"\n## `{name}`\n\n{(inspect.getdoc(table) or '').splitlines()[0]}{notes}\n"
    if table.model_config.get("extra") == "allow":
        yield "\nFurther keys are accepted.\n"
    if not table.model_fields:
        return
    yield "\n| key | type | default | |\n|---|---|---|---|\n"
    shapes = table.model_json_schema()["properties"]
    for key, field in table.model_fields.items():
        kind = _type(shapes[key], field)
        note = LATER if field.json_schema_extra and LATER not in notes else ""
        yield f"| `{key}` | {kind}{_bounds(kind, field)} | {_default(field)} | {field.description}{note} |\n"


def _type(shape: Mapping[str, Any], field: FieldInfo) -> str:
    """A type in words, from its JSON Schema."""
    options = [option for option in shape.get("anyOf", [shape]) if option.get("type") != "null"]
    text = str(options)
    if "enum" in options[0]:
        return " or ".join(f'`"{choice}"`' for choice in options[0]["enum"])
    if options[0].get("type") == "array":
        return f"list of {_type(options[0]['items'], field)}"
    if "(ms|s|m|h|d)" in text:
        return "duration"
    if "(B|KB|MB|GB)" in text:
        return "size"
    if "credential" in text:
        return "secret"
    if "$ref" in text:
        return "text or table" if len(options) == 2 else "table"
    if "Path" in str(field.annotation):
        return "path"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}[
        options[0]["type"]
    ]


def _bounds(kind: str, field: FieldInfo) -> str:
    """What a value may be, behind its type; durations in seconds."""
    low = high = ""
    for bound in field.metadata:
        match bound:
            case Gt(gt):
                low = f"above {gt}"
            case Ge(ge):
                low = f"{ge:,}"
            case Le(le):
                high = f"{le:,}" + (" s" if kind == "duration" else "")
            case MaxLen(most):
                return f", {most:,} {'characters ' if kind == 'text' else ''}at most"
    if low and high:
        return f", {low} to {high}"
    return f", {low} or more" if low else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return ""
        case bool():
            return f"`{str(field.default).lower()}`"
        case float():
            return f"`{field.default:g}`"
        case tuple():
            return f"`{json.dumps(field.default)}`"
        case str():
            return f'`"{field.default}"`'
    return f"`{field.default}`"


def cli_page() -> Iterator[str]:
    """What every command prints for `--help`."""
    yield f"\n## anima\n\n```text\n{overview()}```\n"
    context = click.Context(root, info_name="anima", **root.context_settings)
    for words, command, above in _commands(root, context):
        inner = click.Context(command, info_name=words.split()[-1], parent=above, terminal_width=WIDTH)
        inner.help_option_names = ["-h", "--help"]
        yield f"\n## {words}\n\n```text\n{command.get_help(inner)}\n```\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command, context
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def python_page() -> Iterator[str]:
    """Every public name, with its signature and what its docstring says."""
    for module in (anima, anima.testing):
        yield f"\n# `{module.__name__}`\n"
        for name in module.__all__:
            yield from _entry(name, getattr(module, name))
            if name == "tool":
                yield from _entry("tool: options", Options)


def _entry(title: str, found: Any) -> Iterator[str]:
    yield f"\n## {title}\n"
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        yield "\nA function from `Context` to `Answer | str`.\n"
        return
    source = Path(inspect.getfile(found)).read_text(encoding="utf-8")
    node = [node for node in ast.parse(source).body if getattr(node, "name", "") == found.__name__][-1]
    assert isinstance(node, Node | ast.ClassDef)
    shown = _head(node, source) if isinstance(node, Node) else _class(node, source)
    yield f"\n```text\n{shown}\n```\n\n{inspect.getdoc(found)}\n"
    methods = [part for part in node.body if isinstance(part, Node) and ast.get_docstring(part) and _shown(part)]
    if isinstance(node, ast.ClassDef) and methods:
        yield "\n"
        yield from (f"- `{part.name}`: {_one_line(ast.get_docstring(part))}\n" for part in methods)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _class(node: ast.ClassDef, source: str) -> str:
    """A class with its fields and its public methods, as its source has them."""
    lines = [f"class {node.name}{_bases(node)}:"]
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_"):
            lines += (ast.get_source_segment(source, part) or "").splitlines()
        elif isinstance(part, Node) and _shown(part):
            lines += _head(part, source).splitlines()
    return "\n    ".join(lines)


def _bases(node: ast.ClassDef) -> str:
    return f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""


def _shown(part: Node) -> bool:
    marks = [ast.unparse(mark) for mark in part.decorator_list]
    return "overload" not in marks and (part.name == "__init__" or not part.name.startswith("_"))


def _head(node: Node, source: str) -> str:
    """A function's head, as its source has it."""
    marks = [f"@{ast.unparse(mark)}" for mark in node.decorator_list]
    until = max(node.body[0].lineno - 1, node.lineno)
    lines = textwrap.dedent("\n".join(source.splitlines()[node.lineno - 1 : until])).splitlines()
    lines[-1] = lines[-1].removesuffix(" ...").removesuffix(":")
    return "\n".join([*(mark for mark in marks if mark in ("@property", "@cached_property")), *lines])


def decisions() -> list[Path]:
    """Every decision, in order."""
    return sorted((DOCS / "decisions").glob("[0-9]*.md"))


def decisions_page() -> Iterator[str]:
    """The titles of all decisions."""
    yield "\n"
    for path in decisions():
        number, _, title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(" ")
        yield f"- [{number.rstrip(':')}]({path.name}) {title}\n"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "reference/settings.md": settings_page,
    "reference/cli.md": cli_page,
    "reference/python.md": python_page,
    "decisions/README.md": decisions_page,
}


def page(name: str) -> str:
    """A page as it should be: its own head, then what is made."""
    head, _, _ = (DOCS / name).read_text(encoding="utf-8").partition(MARK)
    return head + MARK + "".join(PAGES[name]())


if __name__ == "__main__":
    for name in PAGES:
        (DOCS / name).write_text(page(name), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
