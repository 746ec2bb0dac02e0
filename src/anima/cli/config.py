"""`anima config`: is a settings file right, what does it come to, and what may it hold.

It knows how to show settings, not what any of them does.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from anima.app import describe
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, tell
from anima.errors import SettingsError
from anima.settings import HOME_FILE, AgentSettings, HomeSettings, Loaded, Secret, Table, load, load_home, schema

LONGEST = 60
"""Characters of a value that the table shows."""

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.group(
    epilog="""\b
Examples:
  anima config check config.toml
  anima config show config.toml
"""
)
def config() -> None:
    """Check, show and describe settings."""


@config.command(
    epilog="""\b
Examples:
  anima config check config.toml
  anima config check ~/.anima/anima.toml --json

\b
Exit status: 0 right, 2 at least one mistake.
"""
)
@file_argument
@home_option
@json_option
def check(file: Path, home: Path, as_json: bool) -> None:
    """Look for mistakes in FILE: an agent's settings, or a home's anima.toml."""
    inactive: list[str] = []
    if file.name == HOME_FILE:
        load_home(file)
    else:
        described = describe(load(file, home))
        if described.problems:
            raise SettingsError(described.problems)
        inactive = described.inactive
    if as_json:
        print_json({"ok": True, "file": str(file), "inactive": inactive})
        return
    for key in inactive:
        tell(f"note: {key} is not active yet")
    sys.stdout.write("ok\n")


@config.command(
    epilog="""\b
Examples:
  anima config show ~/.anima/agents/arya/agent.toml
  anima config show config.toml --json | jq -r '.items[] | select(.source != "default") | .key'
"""
)
@file_argument
@home_option
@json_option
def show(file: Path, home: Path, as_json: bool) -> None:
    """Print every setting of FILE as it holds, and where it comes from. Secrets stay hidden."""
    loaded = load(file, home)
    values = {key: _plain(_value(loaded, key)) for key in loaded.sources}
    if as_json:
        print_items([{"key": key, "value": value, "source": loaded.sources[key]} for key, value in values.items()])
        return
    rows = [(key, _shown(value), loaded.sources[key]) for key, value in values.items()]
    print_table(("KEY", "VALUE", "SOURCE"), rows)


@config.command(
    "schema",
    epilog="""\b
Examples:
  anima config schema > agent.schema.json
  anima config schema --shared > anima.schema.json
""",
)
@click.option("--shared", is_flag=True, help="That of anima.toml, which the agents of a home share.")
def print_schema(shared: bool) -> None:
    """Print the JSON Schema of an agent's settings, for editors."""
    sys.stdout.write(json.dumps(schema(HomeSettings if shared else AgentSettings), indent=2) + "\n")


def _value(loaded: Loaded, key: str) -> object:
    table, _, name = key.partition(".")
    return getattr(getattr(loaded.settings, table), name)


def _plain(value: object) -> object:
    """A value as JSON has it; a secret is where it is, a table what was written into it."""
    match value:
        case Secret():
            return {value.kind: value.name}
        case Table():
            return {name: _plain(getattr(value, name)) for name in sorted(value.model_fields_set)}
        case tuple():
            return [_plain(each) for each in value]
        case Path():
            return str(value)
    return value


def _shown(value: object) -> str:
    """A value as one would write it into the file, cut to fit a line."""
    text = "-" if value is None else _toml(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _toml(value: object) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case float():
            return f"{value:g}"
    return json.dumps(value, ensure_ascii=False)
