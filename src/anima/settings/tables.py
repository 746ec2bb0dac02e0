"""The tables of a settings file that say how an agent works, typed and bounded.

This module does not know how a file is read or what a mistake in it is called.
"""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(value: object) -> object:
    """A duration (`"30s"`, `"5m"`, `"1h"`, `"2d"`) in seconds; anything but a string stays as it is."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError('expected a duration such as "30s", "5m", "1h" or "2d", or a number of seconds')
    return float(found[1]) * _UNITS[found[2]]


Seconds = Annotated[
    float,
    BeforeValidator(seconds_of),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DURATION.pattern}]}),
]
Strings = Annotated[tuple[str, ...], Field(strict=False)]


class Table(BaseModel):
    """Base of every table: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class RetrySettings(Table):
    """How often a model is asked again, and how often an event."""

    max_retries: int = Field(3, ge=0, le=20)
    initial_delay_ms: int = Field(100, ge=0, le=600_000)
    max_delay_ms: int = Field(5000, ge=0, le=600_000)
    exponential_base: float = Field(2.0, ge=1, le=10)
    event_delays: Annotated[tuple[Annotated[Seconds, Field(ge=0, le=86_400)], ...], Field(strict=False)] = (
        1.0,
        10.0,
        60.0,
    )


class LimitSettings(Table):
    """What a turn may take, and a day."""

    seconds: Annotated[Seconds, Field(gt=0, le=86_400)] = 120.0
    tokens: int | None = Field(None, ge=1)
    dollars: float | None = Field(None, ge=0)
    tokens_per_day: int | None = Field(None, ge=1)
    dollars_per_day: float = Field(5.0, ge=0)


class ThinkSettings(Table):
    """How an agent thinks."""

    max_iterations: int = Field(10, ge=1, le=1000)
    auto_memory: bool = True
    max_memory_entries: int = Field(10, ge=0, le=1000)
    history_turns: int = Field(20, ge=1, le=1000)
    reflection: bool = False


class ToolSettings(Table):
    """What an agent may do."""

    enabled: Strings = ()
    grants: Strings = ()
    http_private: Strings = ()
