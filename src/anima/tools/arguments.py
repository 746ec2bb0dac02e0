"""From a function's signature and docstring to a JSON schema, and from a model's JSON to checked arguments.

This module knows nothing of effects, and calls no function.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from anima.errors import ToolError
from anima.vocabulary import Call

_SHOWN = 100


@dataclass(frozen=True)
class Arguments:
    """What a function takes. `call` names the parameter that takes the `Call`, if there is one."""

    description: str
    parameters: tuple[inspect.Parameter, ...]
    notes: Mapping[str, str]
    call: str | None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.parameters)

    @property
    def defaults(self) -> dict[str, Any]:
        return {p.name: p.default for p in self.parameters if p.default is not p.empty}

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of an object."""
        schema = self._model.model_json_schema()
        _strip_titles(schema)
        schema.setdefault("properties", {})
        return schema

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them, defaults included. Raises ToolError that says what to change."""
        try:
            checked = self._model.model_validate(arguments)
        except ValidationError as error:
            raise ToolError("; ".join(self._told(each) for each in error.errors(include_url=False))) from error
        return {parameter.name: getattr(checked, f"p{n}") for n, parameter in enumerate(self.parameters)}

    @cached_property
    def _model(self) -> type[BaseModel]:
        # Fields have names of their own, and the parameters' as aliases: a parameter may be called `json` or `copy`.
        fields = {}
        for n, p in enumerate(self.parameters):
            note = self.notes.get(p.name)
            kind = Annotated[p.annotation, Field(description=note)] if note else p.annotation
            fields[f"p{n}"] = (kind, Field(... if p.default is p.empty else p.default, alias=p.name))
        config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
        made: type[BaseModel] = create_model("Arguments", __config__=config, **fields)  # type: ignore[call-overload]
        return made

    def _told(self, error: Any) -> str:
        place = ".".join(str(part) for part in error["loc"])
        match error["type"]:
            case "missing":
                return f"the argument {place} is missing ({self._kinds()})"
            case "extra_forbidden":
                return f"there is no argument {place} ({self._kinds()})"
        got = repr(error["input"])
        got = got if len(got) <= _SHOWN else got[:_SHOWN] + "..."
        return f"the argument {place} is wrong: {error['msg'][:1].lower()}{error['msg'][1:]}, got {got}"

    def _kinds(self) -> str:
        """The arguments in short, for a model that got them wrong."""
        required = self.schema.get("required", [])
        kinds = [
            f"{name}: {schema.get('type', 'any')}{'' if name in required else ', optional'}"
            for name, schema in self.schema["properties"].items()
        ]
        return "arguments are " + "; ".join(kinds) if kinds else "it takes none"


def read_arguments(function: Callable[..., Any]) -> Arguments:
    """What a function takes. Raises TypeError for a parameter that a model cannot fill in."""
    name = function.__name__
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"tool {name}: {error}; its type hints must be importable names") from error
    shown: list[inspect.Parameter] = []
    notes: dict[str, str] = {}
    call = None
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, parameter.empty)
        if hint is Call:
            call = parameter.name
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"tool {name}: {parameter} cannot be filled in by name")
        if hint is parameter.empty:
            raise TypeError(f"tool {name}: the parameter {parameter.name} needs a type")
        said = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        notes.update((parameter.name, text) for text in said if isinstance(text, str))
        shown.append(parameter.replace(annotation=hint))
    description, described = _read_docstring(inspect.getdoc(function) or "", {p.name for p in shown})
    return Arguments(description or name.replace("_", " "), tuple(shown), {**described, **notes}, call)


def _read_docstring(text: str, names: set[str]) -> tuple[str, dict[str, str]]:
    """The description, and what lines like `city: its name` say of the parameters; deeper lines go on."""
    kept: list[str] = []
    notes: dict[str, str] = {}
    current, depth = "", 0
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        found = re.fullmatch(r"\s*(\w+)(?: \([^)]*\))?:\s+(\S.*)", line)
        if found and found[1] in names:
            current, depth = found[1], indent
            notes[current] = found[2]
        elif current and line.strip() and indent > depth:
            notes[current] += " " + line.strip()
        elif line.strip() not in ("Args:", "Arguments:", "Parameters:"):
            current = ""
            kept.append(line)
    return "\n".join(kept).strip(), notes


def _strip_titles(schema: Any) -> None:
    """Take out the titles that pydantic makes of names: a model learns nothing from them."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for value in schema.values():
            _strip_titles(value)
    elif isinstance(schema, list):
        for value in schema:
            _strip_titles(value)
