"""Who an agent is, as a person or a program describes it.

This module does not know how one is brought to life.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anima.errors import UsageError
from anima.models.model import Model
from anima.settings import LimitSettings, ModelRef, Persona, RetrySettings, ThinkSettings
from anima.tools.tool import Tool

ANSWER = 4096
"""Tokens left for an answer where nobody set a bound; half the window of a model that takes less than twice that."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Agent:
    """A named, lasting someone.

    `model` is `"provider/model"`, a list of those (the later ones are asked when the earlier fail), or a Model of
    your own. `persona` is Markdown, or a Persona that is read from files. `tools` are functions decorated with `@tool`;
    `grants` say what may happen without asking (`"shell:git status"`, `"http:GET:api.example.com/*"`), `http_private`
    which private addresses (`"127.0.0.1:11434"`) a grant may reach. `may_tell` and `may_ask` are the agents it may talk
    to. `workspace` is the one folder its file tools see (default: `workspace/` in the agent's folder of the home).
    `parallel` conversations are worked on at a time. `context_window` is how many tokens a model of your own takes
    (default: as its ModelRef says, else nobody knows).
    """

    name: str
    model: str | ModelRef | Model | Sequence[str | ModelRef] = "local"
    persona: str | Persona = ""
    tools: Sequence[Tool] = ()
    grants: Sequence[str] = ()
    http_private: Sequence[str] = ()
    may_tell: Sequence[str] = ("*",)
    may_ask: Sequence[str] = ("*",)
    think: ThinkSettings = field(default_factory=ThinkSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    workspace: Path | None = None
    parallel: int = 4
    context_window: int | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} cannot be an agent's name", "use letters, digits, - and _, 64 at most")

    @property
    def refs(self) -> list[ModelRef]:
        """The models it asks in turn, by name; empty for a Model of your own."""
        if isinstance(self.model, (str, ModelRef)):
            named: Sequence[str | ModelRef] = [self.model]
        else:
            named = self.model if isinstance(self.model, Sequence) else []
        return [ModelRef.parse(ref) if isinstance(ref, str) else ref for ref in named]

    @property
    def room(self) -> int | None:
        """Tokens its first model takes in: the window without what it answers; None where nobody knows the window."""
        first = self.refs[0] if self.refs else None
        window = self.context_window or (first.context_window if first else None)
        if window is None:
            return None
        answer = first.max_output if first and first.max_output else ANSWER
        return window - min(answer, window // 2)
