"""Every error Anima raises on purpose, drawn once.

    AnimaError                 has a hint: what to do next
    +-- UsageError             wrong words on the command line                       exit 2
    |   +-- SettingsError      one or more mistakes in a settings file
    |   +-- NotFound           no agent, turn, event or model of that name           exit 1
    +-- StoreError             the store cannot be used as it is                     exit 1
    |   +-- StoreForeign, StoreTooNew, StoreDamaged, StoreFull, StoreClosed
    +-- AgentBusy              another process owns this agent                       exit 1
    +-- UnfinishedTurn         earlier work in this conversation comes first         exit 1
    +-- NothingToResume        there is none                                         exit 1
    +-- DuplicateEvent         a source id came again with another text              exit 1
    +-- TurnFailed             the turn ended without an answer                      exit 1
    |   +-- TurnStopped        somebody stopped it
    |   +-- LimitReached       a limit ended it; what there is of an answer is kept  exit 4
    |   +-- CallDenied         a call was denied, and it ended without an answer     exit 5
    +-- NotAnswered            accepted, and not answered in time                    exit 6
    +-- Interrupted            somebody pressed Ctrl-C; what was begun is kept       exit 130
    +-- ModelError             a model did not answer                                exit 1
    |   +-- RateLimited, Overloaded, Unreachable      worth another try; nobody's fault
    |   |   +-- NoModelReachable                      every model tried; the task is kept   exit 3
    |   +-- MalformedAnswer                           worth another try
    |   +-- ContextTooLong, Refused, BadKey, BadRequest   never tried again on the same model
    +-- ToolError              a tool's own "this did not work", told to the model
        +-- ToolTimeout

This module knows nothing of who raises or who prints.
"""

import re
from dataclasses import dataclass
from typing import ClassVar


class AnimaError(Exception):
    """Base of every error of Anima. `hint` says what to do next; `details` are facts for machine output."""

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    @property
    def type(self) -> str:
        """The error's name in machine output: `UnfinishedTurn` is `unfinished_turn`."""
        return self.word()

    @classmethod
    def word(cls) -> str:
        """The name of errors of this kind in machine output."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class UsageError(AnimaError):
    """The command line says something Anima cannot do."""

    exit_status = 2


@dataclass(frozen=True)
class Problem:
    """One mistake in a settings file: where it is, what is wrong, what would be right."""

    file: str
    line: int | None
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"


class SettingsError(UsageError):
    """A settings file holds mistakes; all of them are told together."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "\n".join(str(problem) for problem in problems),
            "`anima config schema` describes every key",
            problems=[vars(problem) for problem in problems],
        )
        self.problems = problems


class NotFound(UsageError):
    """Nothing here has that name."""

    exit_status = 1


class StoreError(AnimaError):
    """The store cannot be used as it is; nothing in it was changed."""


class StoreForeign(StoreError):
    """The file is somebody else's database; it is never written."""


class StoreTooNew(StoreError):
    """The file was written by a newer Anima."""


class StoreDamaged(StoreError):
    """A check found damage; nothing doubtful is served."""


class StoreFull(StoreError):
    """There is no room on the disk; nothing of the refused write was kept."""


class StoreClosed(StoreError):
    """The store was closed, or stopped itself after a failed write."""


class AgentBusy(AnimaError):
    """Another process owns this agent now."""


class UnfinishedTurn(AnimaError):
    """Earlier work in this conversation is unfinished and comes first."""


class NothingToResume(AnimaError):
    """This conversation has no unfinished work."""


class DuplicateEvent(AnimaError):
    """A source id came again with another text: one of the two would be lost."""


class TurnFailed(AnimaError):
    """A turn ended without an answer."""


class TurnStopped(TurnFailed):
    """A turn was stopped before it had an answer."""


class LimitReached(TurnFailed):
    """A limit ended the turn; `details["answer"]` is what there is of an answer."""

    exit_status = 4


class CallDenied(TurnFailed):
    """A call was denied and the turn ended without an answer."""

    exit_status = 5


class NotAnswered(AnimaError):
    """An event was accepted and has no answer yet; one will follow."""

    exit_status = 6


class Interrupted(AnimaError):
    """Somebody asked the program to end; what was begun can be resumed."""

    exit_status = 130


class ModelError(AnimaError):
    """A model did not answer.

    `retryable`: the same call may succeed later, in `retry_after` seconds where the provider says so. `unavailable`:
    nobody's fault.
    """

    retryable: ClassVar[bool] = False
    unavailable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "", *, retry_after: float | None = None, **details: object) -> None:
        super().__init__(message, hint, **details)
        self.retry_after = retry_after


class RateLimited(ModelError):
    """The provider asks to slow down."""

    retryable = True
    unavailable = True


class Overloaded(ModelError):
    """The provider answers that it cannot serve now (5xx)."""

    retryable = True
    unavailable = True


class Unreachable(ModelError):
    """No connection, no answer in time, or a connection cut in the middle."""

    retryable = True
    unavailable = True


class NoModelReachable(Unreachable):
    """Every model of the list was unreachable or overloaded; the task is kept."""

    exit_status = 3


class MalformedAnswer(ModelError):
    """The provider answered something that is not an answer."""

    retryable = True


class ContextTooLong(ModelError):
    """The context does not fit the model."""


class Refused(ModelError):
    """The model or its provider declines to answer this."""


class BadKey(ModelError):
    """The key is missing, wrong or not allowed to do this."""


class BadRequest(ModelError):
    """The provider does not accept the request; it would not accept it again."""


class ToolError(AnimaError):
    """Raised by a tool: what went wrong and what to change, said to the model."""


class ToolTimeout(ToolError):
    """A tool took longer than it may."""
