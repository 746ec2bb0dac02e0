"""Progress: live, losable news of a turn, for screens; nothing depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anima.vocabulary.journal import EffectState, Turn
from anima.vocabulary.talk import Usage


@dataclass(frozen=True, slots=True)
class Progress:
    """Base of all news: when, and of which step of which turn."""

    type: ClassVar[str] = ""
    time: float
    agent: str
    conversation: str
    turn: str
    step: int


@dataclass(frozen=True, slots=True)
class TurnOpened(Progress):
    """A turn has begun with its event, or goes on after the program was stopped (`resumed`)."""

    type: ClassVar[str] = "turn_opened"
    event: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Token(Progress):
    """A piece of the answer; `reasoning` pieces are the model's thoughts, not its answer."""

    type: ClassVar[str] = "token"
    text: str
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class StepDone(Progress):
    """A model has answered: sizes in tokens, `seconds` of the call, `messages` in its context."""

    type: ClassVar[str] = "step"
    model: str
    usage: Usage
    seconds: float
    messages: int


@dataclass(frozen=True, slots=True)
class ToolCalled(Progress):
    """A call has been written down and is about to run, or to be asked about."""

    type: ClassVar[str] = "tool_call"
    effect: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolReturned(Progress):
    """A call has ended, or (state `intended`) says how far it is."""

    type: ClassVar[str] = "tool_result"
    effect: str
    tool: str
    state: EffectState
    result: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Retried(Progress):
    """A model failed and is asked again in `delay` seconds; what it had streamed of this step is void."""

    type: ClassVar[str] = "retry"
    model: str
    error: str
    delay: float
    attempt: int


@dataclass(frozen=True, slots=True)
class FellBack(Progress):
    """A model failed for good and `next` is asked; what was streamed of this step is void."""

    type: ClassVar[str] = "fallback"
    model: str
    error: str
    next: str


@dataclass(frozen=True, slots=True)
class Waiting(Progress):
    """The turn waits for a person's yes to one exact call."""

    type: ClassVar[str] = "waiting"
    effect: str
    tool: str


@dataclass(frozen=True, slots=True)
class Closed(Progress):
    """The turn's attempt is over; `error` is set where it ended without an answer."""

    type: ClassVar[str] = "closed"
    result: Turn
    error: Exception | None = None
