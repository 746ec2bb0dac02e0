"""What every tool keeps, run against each one built in and against a user's own of every kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from anima.clock import SystemClock
from anima.sandbox.net import Reach
from anima.tools.catalog import BUILT_IN, load
from anima.tools.tool import MAX_SECONDS, Tool, tool
from anima.tools.toolbox import Toolbox
from anima.vocabulary import Call

ARGUMENTS = {
    "echo": ["text"],
    "add": ["a", "b"],
    "now": [],
    "read_file": ["path"],
    "write_file": ["path", "content"],
    "edit_file": ["path", "old", "new"],
    "list_files": ["path"],
    "search_files": ["pattern", "path"],
    "http": ["method", "url", "headers", "body"],
    "shell": ["command"],
    "tell_agent": ["agent", "text"],
    "ask_agent": ["agent", "text"],
    "list_agents": [],
}
CLASSES = {
    "write_file": "idempotent",
    "edit_file": "idempotent",
    "shell": "once",
    "http": "once",
    "tell_agent": "internal",
    "ask_agent": "internal",
}
UNTRUSTED = {"http", "shell"}


@tool
def plain(n: int) -> int:
    """A user's own, in a thread."""
    return n


@tool
async def looping(n: int, call: Call) -> int:
    """A user's own, on the loop."""
    return n


@tool(isolate=True)
def isolated(n: int) -> int:
    """A user's own, in a process."""
    return n


BUILT = {made.name: made for made in load(sorted(BUILT_IN), None, Reach(), SystemClock()).tools}
TOOLS = {**BUILT, **{made.name: made for made in (plain, looping, isolated)}}
every = pytest.mark.parametrize("made", TOOLS.values(), ids=TOOLS)


async def run(made: Tool, root: Path, arguments: dict[str, Any], unparsed: str | None = None) -> tuple[bool, str]:
    scratch = root / "scratch" / "k"
    outcome = await Toolbox([made]).run(
        Call(made.name, arguments, "a", "c", root / "w", "k", scratch=scratch), unparsed
    )
    return outcome.ok, outcome.text


def test_the_contract_covers_every_built_in_tool() -> None:
    assert ARGUMENTS.keys() == BUILT_IN == BUILT.keys()


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_tool_takes_the_promised_arguments_and_needs_no_other(name: str) -> None:
    schema = BUILT[name].spec.parameters
    assert set(ARGUMENTS[name]) <= set(schema["properties"])
    assert set(schema.get("required", [])) <= set(ARGUMENTS[name])


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_tool_has_its_promised_class_and_trust(name: str) -> None:
    assert BUILT[name].effect_class({}) == CLASSES.get(name, "read")
    assert BUILT[name].result == ("untrusted" if name in UNTRUSTED else "trusted")
    assert BUILT[name].sends is (name in UNTRUSTED)


@every
def test_what_a_model_is_told_is_plain_json_and_closed(made: Tool) -> None:
    schema = made.spec.parameters
    assert json.loads(json.dumps(schema)) == schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "call" not in schema["properties"]
    assert made.spec.description
    assert "Args" not in made.spec.description


@every
def test_limits_are_within_the_houses(made: Tool) -> None:
    assert 0 < made.timeout <= MAX_SECONDS
    assert 0 < made.output_cap <= 1_000_000


@every
async def test_an_unknown_argument_runs_nothing(made: Tool, tmp_path: Path) -> None:
    ok, text = await run(made, tmp_path, {"surprise": 1})
    assert not ok
    assert "there is no argument surprise" in text
    assert not (tmp_path / "w").exists()


@every
async def test_arguments_that_are_no_object_run_nothing(made: Tool, tmp_path: Path) -> None:
    ok, text = await run(made, tmp_path, {}, "[1, 2")
    assert not ok
    assert "[1, 2" in text


@pytest.mark.parametrize("made", [made for made in TOOLS.values() if made.spec.parameters.get("required")])
@pytest.mark.parametrize("value", [None, [], {}, {"deep": {"er": [1]}}])
async def test_a_value_of_a_wrong_kind_is_told_by_name(made: Tool, value: object, tmp_path: Path) -> None:
    name = made.spec.parameters["required"][0]
    ok, text = await run(made, tmp_path, {name: value})
    assert not ok
    assert f"the argument {name}" in text


async def test_the_small_tools_do_what_they_say(tmp_path: Path) -> None:
    assert await run(BUILT["echo"], tmp_path, {"text": "a\nb"}) == (True, "a\nb")
    assert await run(BUILT["add"], tmp_path, {"a": 2, "b": 3}) == (True, "5")
    assert await run(BUILT["add"], tmp_path, {"a": "2", "b": 0.5}) == (True, "2.5")
    ok, text = await run(BUILT["now"], tmp_path, {})
    assert ok
    assert text.startswith("20")
    assert text[-6] in "+-"
