"""From a typed function to what a model is told, and from what it writes to checked arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import Field

from anima.errors import ToolError
from anima.tools.tool import tool
from anima.vocabulary import Call


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    As it was measured.

    Args:
        city: its name,
            in English
        days (int): how many
    """
    return f"{city}: rain for {days}"


def test_a_bare_decorator_takes_name_description_and_schema_from_the_function() -> None:
    assert weather.spec.name == "weather"
    assert weather.spec.description == "The weather in a city.\n\nAs it was measured."
    assert weather.spec.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "its name, in English"},
            "days": {"type": "integer", "default": 1, "description": "how many"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_a_tool_is_still_its_function() -> None:
    assert weather("Lyon", days=2) == "Lyon: rain for 2"


def test_undeclared_a_tool_is_once_untrusted_and_has_thirty_seconds() -> None:
    assert (weather.effect, weather.result, weather.sends, weather.timeout) == ("once", "untrusted", False, 30.0)
    assert weather.effect_class({"city": "Lyon"}) == "once"


def test_descriptions_of_arguments_may_stand_in_the_annotation() -> None:
    @tool
    def f(a: Annotated[int, "first"], b: Annotated[int, Field(description="second", ge=1)]) -> None: ...

    assert f.spec.parameters["properties"] == {
        "a": {"type": "integer", "description": "first"},
        "b": {"type": "integer", "description": "second", "minimum": 1},
    }


def test_a_call_is_hidden_from_the_model() -> None:
    @tool
    def f(n: int, call: Call) -> None: ...

    assert list(f.spec.parameters["properties"]) == ["n"]
    assert f.arguments.call == "call"


def test_parameters_may_have_any_name() -> None:
    @tool(name="odd")
    def f(json: str, copy: int = 1, model_config: bool = False, title: str = "") -> None: ...

    assert f.spec.name == "odd"
    assert list(f.spec.parameters["properties"]) == ["json", "copy", "model_config", "title"]
    assert f.arguments.check({"json": "x"}) == {"json": "x", "copy": 1, "model_config": False, "title": ""}


class Colour(StrEnum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


def test_arguments_become_what_the_function_is_typed_for() -> None:
    @tool
    def f(p: Point, c: Colour, where: Path, kind: Literal["a", "b"], many: list[int] | None = None) -> None: ...

    checked = f.arguments.check({"p": {"x": "1"}, "c": "red", "where": "a/b", "kind": "a", "many": [1]})
    assert checked == {"p": Point(1), "c": Colour.RED, "where": Path("a/b"), "kind": "a", "many": [1]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "the argument city is missing (arguments are city: string; days: integer, optional)"),
        (
            {"city": "Lyon", "town": "x"},
            "there is no argument town (arguments are city: string; days: integer, optional)",
        ),
        ({"city": 5}, "the argument city is wrong: input should be a valid string, got 5"),
        ({"city": "Lyon", "days": "two"}, "the argument days is wrong: input should be a valid integer"),
        ({"city": ["a" * 500]}, "..."),
    ],
)
def test_wrong_arguments_are_told_so_that_a_model_can_put_them_right(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError) as raised:
        weather.arguments.check(arguments)
    assert said in raised.value.message


def test_several_wrong_arguments_are_told_together() -> None:
    with pytest.raises(ToolError, match=r"city is missing.*days is wrong"):
        weather.arguments.check({"days": "x"})


def test_an_effect_may_be_a_function_of_the_arguments() -> None:
    @tool(effect=lambda dry: "read" if dry else "once")
    def by_name(n: int, dry: bool = False) -> None: ...

    @tool(effect=lambda arguments: "read" if arguments["n"] == 1 else "idempotent")
    def as_a_whole(n: int, dry: bool = False) -> None: ...

    @tool(effect=lambda **given: "read" if given == {"n": 1, "dry": False} else "once")
    def by_keywords(n: int, dry: bool = False) -> None: ...

    assert [by_name.effect_class({"n": 1}), by_name.effect_class({"n": 1, "dry": True})] == ["once", "read"]
    assert [as_a_whole.effect_class({"n": n}) for n in (1, 2)] == ["read", "idempotent"]
    assert [by_keywords.effect_class({"n": n}) for n in (1, 2)] == ["read", "once"]


def test_what_cannot_be_shown_to_a_model_is_refused_where_it_is_written() -> None:
    def untyped(a) -> None: ...  # type: ignore[no-untyped-def]

    def variadic(*a: int) -> None: ...

    def positional(a: int, /) -> None: ...

    def unknown(a: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    for function, said in [
        (untyped, "needs a type"),
        (variadic, "by name"),
        (positional, "by name"),
        (unknown, "Miss"),
    ]:
        with pytest.raises(TypeError, match=said):
            tool(cast("Callable[..., object]", function))


def test_limits_of_a_declaration_are_checked() -> None:
    def f() -> None: ...

    with pytest.raises(ValueError, match="600 at most"):
        tool(timeout=601)(f)
    with pytest.raises(ValueError, match="output_cap"):
        tool(output_cap=0)(f)
    with pytest.raises(ValueError, match="built-in tools"):
        tool(effect="internal")(f)
