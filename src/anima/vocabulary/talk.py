"""What passes between a turn and a model: the context it is shown, the chunks it streams back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message. `data` is the file's bytes; `mime` e.g. `image/png`."""

    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for one use of a tool. `unparsed` holds arguments that were not a JSON object."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    unparsed: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of a model's reasoning. `proof` is the provider's signature, sent back unchanged where it wants it."""

    text: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a model's answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a model call cost. Tokens; `cached` is the part of `input` the provider had seen before.

    `dollars` is None where no price is known.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    dollars: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        known = [spent for spent in (self.dollars, other.dollars) if spent is not None]
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            sum(known) if known else None,
        )


StepKind = Literal["think", "summary", "reflection"]
Stop = Literal["end", "calls", "length", "refused"]


@dataclass(frozen=True, slots=True)
class Finish:
    """The last chunk of every answer: why it ended, what it cost, who gave it (`provider/model`)."""

    stop: Stop
    usage: Usage
    model: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The same model is asked again after `delay` seconds; what it had streamed so far is void."""

    model: str
    error: str
    delay: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Fallback:
    """The next model of the list is asked; what was streamed so far is void."""

    model: str
    error: str
    next: str


Chunk = Text | Reasoning | ToolCall | Finish | Retry | Fallback


@dataclass(frozen=True)
class Message:
    """One message of a context, in one of three roles.

    `user`: text and images. `assistant`: text, reasoning and calls. `tool`: the result (`text`) of call `call_id` of
    tool `tool`; `ok` says whether it worked.
    """

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    images: tuple[Image, ...] = ()
    reasoning: tuple[Reasoning, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    tool: str = ""
    ok: bool = True

    @cached_property
    def digest(self) -> bytes:
        """Hash of everything a model may see of this message; computed once, as history is shown many times."""
        calls = [[call.id, call.name, call.unparsed or dict(call.arguments)] for call in self.calls]
        images = [hashlib.sha256(image.data).hexdigest() for image in self.images]
        reasons = [[reason.text, reason.proof] for reason in self.reasoning]
        parts = [self.role, self.text, calls, images, reasons, self.call_id, self.tool, self.ok]
        return hashlib.sha256(_encode(parts).encode()).digest()


@dataclass(frozen=True)
class ToolSpec:
    """What a model is told of a tool: name, description, JSON schema of the arguments (an object)."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @cached_property
    def digest(self) -> bytes:
        parts = [self.name, self.description, self.parameters]
        return hashlib.sha256(_encode(parts).encode()).digest()


@dataclass(frozen=True)
class Context:
    """Exactly what the model is shown for one step. `purpose` is the step's kind; no model is told it."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None
    purpose: StepKind = "think"

    @cached_property
    def digest(self) -> str:
        """Hash of the whole context (hex, 64 characters): equal digests mean equal contexts."""
        total = hashlib.sha256(self.system.encode())
        for tool in self.tools:
            total.update(tool.digest)
        total.update(b"\0")
        for message in self.messages:
            total.update(message.digest)
        return total.hexdigest()
