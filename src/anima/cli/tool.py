"""`anima tool`: what an agent can be given."""

from pathlib import Path

import click

from anima.app import tools_of
from anima.cli.options import json_option
from anima.cli.output import print_items, print_table
from anima.clock import SystemClock
from anima.sandbox.net import Reach
from anima.settings import load as load_settings
from anima.tools.catalog import BUILT_IN, NOT_ACTIVE_YET
from anima.tools.catalog import load as load_tools
from anima.tools.tool import Tool


@click.group(
    epilog="""\b
Example:
  anima tool list
"""
)
def tool() -> None:
    """List the tools an agent can be given."""


@tool.command(
    "list",
    epilog="""\b
Examples:
  anima tool list
  anima tool list config.toml --json
""",
)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@json_option
def list_tools(config: Path | None, as_json: bool) -> None:
    """List the built-in tools, or those the settings file CONFIG enables."""
    if config is None:
        found = load_tools(sorted(BUILT_IN), None, Reach(), SystemClock()).tools
        inactive = sorted(NOT_ACTIVE_YET)
    else:
        enabled = tools_of(load_settings(config))
        found, inactive = enabled.tools, list(enabled.inactive)
    if as_json:
        print_items([*map(_document, found), *({"name": name, "active": False} for name in inactive)])
        return
    rows = [(each.name, _effect(each), each.spec.description.splitlines()[0]) for each in found]
    print_table(("TOOL", "EFFECT", "WHAT IT DOES"), [*rows, *((name, "-", "not active yet") for name in inactive)])


def _document(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "active": True,
        "description": tool.spec.description,
        "effect": _effect(tool),
        "sends": tool.sends,
        "parameters": tool.spec.parameters,
    }


def _effect(tool: Tool) -> str:
    return "by its arguments" if callable(tool.effect) else tool.effect
