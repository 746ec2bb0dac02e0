"""A tool: a plain typed function that a model may call, and what it declares about its effect.

    @tool(effect="read")
    async def weather(city: str) -> str:
        \"\"\"Today's weather in a city.

        city: its name, in English
        \"\"\"

This module does not run tools.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from inspect import signature
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

from anima.tools.arguments import Arguments, read_arguments
from anima.vocabulary import Call, EffectClass, ToolSpec

ResultKind = Literal["trusted", "untrusted", "private"]
Classify = Callable[..., EffectClass]

MAX_SECONDS = 600.0
MAX_OUTPUT = 1_000_000


class Options(TypedDict, total=False):
    """What `@tool(...)` may declare.

    `effect` says what happens to a call that was running when the process died: "read" (run again), "idempotent" (run
    again with the same effect key), "once" (never again: unknown; the default), or a function of the arguments that
    gives one of these: it gets those it names, or all of them as one mapping. `sends`: something leaves the house.
    `result`: how far the result is trusted, "untrusted" unless said; "private" is for the owner alone. `timeout` in
    seconds (30, at most 600), `output_cap` in characters (40,000, at most a million). `isolate`: in a process of its
    own that can be killed. `name` instead of the function's.
    """

    effect: EffectClass | Classify
    sends: bool
    result: ResultKind
    timeout: float
    output_cap: int
    isolate: bool
    name: str


@dataclass(frozen=True)
class Tool:
    """A function with its declarations; calling it calls the function. `folder` is where its module was found.

    `recover` finds out about a call of class "once" that was running when the process died: it gives its result,
    raises `ToolError` for one that did not work, and gives "" where nobody can tell.
    """

    function: Callable[..., Any]
    name: str
    effect: EffectClass | Classify = "once"
    sends: bool = False
    result: ResultKind = "untrusted"
    timeout: float = 30.0
    output_cap: int = 40_000
    isolate: bool = False
    folder: Path | None = None
    recover: Callable[[Call], Awaitable[str]] | None = None

    def __post_init__(self) -> None:
        if self.effect == "internal" and not self.function.__module__.startswith("anima.tools."):
            raise ValueError(f'{self.name}: effect "internal" belongs to built-in tools')
        if not 0 < self.timeout <= MAX_SECONDS:
            raise ValueError(f"{self.name}: timeout is {self.timeout:g} s, and may be {MAX_SECONDS:g} at most")
        if not 0 < self.output_cap <= MAX_OUTPUT:
            raise ValueError(f"{self.name}: output_cap is {self.output_cap}, and may be {MAX_OUTPUT} at most")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @cached_property
    def arguments(self) -> Arguments:
        """What it takes, read from its signature and docstring. Raises TypeError where that is not possible."""
        return read_arguments(self.function)

    @cached_property
    def spec(self) -> ToolSpec:
        """What a model is told of it."""
        return ToolSpec(self.name, self.arguments.description, self.arguments.schema)

    def effect_class(self, arguments: Mapping[str, Any]) -> EffectClass:
        """The class of one call, by what it is called with."""
        if not callable(self.effect):
            return self.effect
        named = signature(self.effect).parameters
        known = {**self.arguments.defaults, **arguments}
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in named.values()):
            return _checked(self.effect(**known))
        if len(named) == 1 and not named.keys() & self.arguments.names:
            return _checked(self.effect(known))
        return _checked(self.effect(**{name: known[name] for name in named if name in known}))


def _checked(effect: EffectClass) -> EffectClass:
    if effect not in ("read", "idempotent", "once"):
        raise ValueError(f"{effect!r} is no effect class")
    return effect


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(**options: Unpack[Options]) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Make a tool of a typed function, as `@tool` or `@tool(effect=..., ...)`; `Options` says what may be declared.

    Its name, docstring and type hints become what a model is told. A parameter annotated `Call` is injected and hidden.
    """
    if function is None:
        return partial(_make, options)
    return _make(options, function)


def _make(options: Options, function: Callable[..., Any]) -> Tool:
    named: Options = {"name": function.__name__, **options}
    made = Tool(function, **named)
    _ = made.arguments  # A signature that cannot be shown to a model is told where it is written.
    return made
