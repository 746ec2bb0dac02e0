"""Events, turns, steps and effects, as they stand on disk; and a call, as a tool and an approver see it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from anima.vocabulary.labels import Label, Trust
from anima.vocabulary.talk import Reasoning, StepKind, Stop, Usage


class EventState(StrEnum):
    """Where an event stands. `answered` includes: folded into another turn, or answered with silence."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    ANSWERED = "answered"
    DEAD = "dead"
    DROPPED = "dropped"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with an event, kept in the home by its hash (SHA-256, hex)."""

    name: str
    mime: str
    size: int
    hash: str


NEW, COMPACT = "/new", "/compact"
"""Events a turn obeys without asking the model what to do: end the episode; summarise what was said before."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which agent's message an event is: the agents it went through, the sender last; the call that waits for it.

    `effect` is None for what was told, not asked.
    """

    chain: tuple[str, ...]
    effect: str | None = None


SILENT = frozenset({"HEARTBEAT_OK", "NO_REPLY", "[SILENT]"})
"""Answers by which an agent says that it has nothing to say."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened, not yet on disk.

    `source` says by which door it came, `source_id` is that door's own id for it: unique per agent and source for
    ever. `awaited`: somebody waits on exactly this event, so it is never folded into another turn.
    """

    agent: str
    conversation: str
    text: str
    label: Label
    source: str = "cli"
    source_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    awaited: bool = False
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened which an agent may answer, as it stands on disk.

    `number` orders a conversation. `step` is the step before which it joined its turn (1: it opened it).
    """

    id: str
    agent: str
    conversation: str
    number: int
    source: str
    text: str
    label: Label
    state: EventState
    time: float
    attachments: tuple[Attachment, ...] = ()
    awaited: bool = False
    turn: str | None = None
    step: int = 1
    attempts: int = 0
    error: str | None = None
    origin: Origin | None = None


EffectClass = Literal["read", "idempotent", "once", "internal"]
Verdict = Literal["allow", "ask", "deny"]


class EffectState(StrEnum):
    """Where an effect stands. `waiting`: for a person's yes. `unknown`: begun, and nobody can tell how it ended."""

    INTENDED = "intended"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tell:
    """A write of a built-in tool: a message to another agent, committed with the result of the call that sends it.

    `ask`: the call waits for the answer.
    """

    agent: str
    text: str
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Knock:
    """Something for an agent is on disk: an event in its `conversation`, or the answer its call `effect` awaits."""

    agent: str
    conversation: str
    effect: str | None = None


ENDED = frozenset({EffectState.DONE, EffectState.FAILED, EffectState.DENIED, EffectState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Effect:
    """One tool call as written in the journal: intended, then done, failed, denied or unknown.

    `key` stays the same on every attempt. `call_id` is the model's own id of the call. `decision` is the policy's
    verdict, later `approved` or `denied` where a person was asked. `begun` is None until it may have run; `seconds` is
    how long it ran.
    """

    id: str
    key: str
    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    effect_class: EffectClass
    decision: str
    state: EffectState
    unparsed: str | None = None
    attempts: int = 0
    begun: float | None = None
    finished: float | None = None
    seconds: float = 0.0
    result: str | None = None
    label: Label | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Step:
    """One model call and the tool calls it asked for; the unit of recovery.

    `context` is the digest of what the model was shown, `recipe` names what it was made of, `seconds` what the
    model call took.
    """

    n: int
    model: str
    text: str
    usage: Usage
    stop: Stop
    context: str
    time: float
    seconds: float
    kind: StepKind = "think"
    recipe: str = ""
    reasoning: tuple[Reasoning, ...] = ()
    effects: tuple[Effect, ...] = ()


class TurnState(StrEnum):
    """Where a turn stands. `failed` and `stopped` turns are ended too."""

    OPEN = "open"
    WAITING = "waiting"
    CLOSED = "closed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything an agent does about one event, and the events that joined it on the way, as it stands on disk.

    `notice` is what the runtime adds to the model's last words (a limit, a failure). `limit` names the limit that
    ended it. `printed` is when its answer was handed to the person, for turns that a command waits on.
    """

    id: str
    agent: str
    conversation: str
    state: TurnState
    events: tuple[Event, ...]
    opened: float
    steps: tuple[Step, ...] = ()
    closed: float | None = None
    notice: str = ""
    limit: str | None = None
    error: str | None = None
    printed: float | None = None

    @property
    def is_order(self) -> bool:
        """Whether it only obeys `/new` or `/compact`: such a turn is no part of what was said."""
        opener = self.events[0]
        return opener.text in (NEW, COMPACT) and opener.label.trust >= Trust.MEMBER

    @property
    def silent(self) -> bool:
        """Whether the agent chose to say nothing: an answer of `HEARTBEAT_OK`, where nobody waits for one."""
        awaited = bool(self.events) and self.events[0].awaited
        return not awaited and not self.notice and self._last.strip() in SILENT

    @property
    def answer(self) -> str:
        """What is sent back: the last thought's text, then the runtime's notice; empty when it chose to be silent."""
        if self.silent:
            return ""
        last = self._last
        return "\n\n".join(part for part in (last, self.notice) if part)

    @property
    def _last(self) -> str:
        return next((step.text for step in reversed(self.steps) if step.kind == "think"), "")

    @property
    def usage(self) -> Usage:
        """What all steps cost together."""
        return sum((step.usage for step in self.steps), Usage())

    @property
    def effects(self) -> tuple[Effect, ...]:
        return tuple(effect for step in self.steps for effect in step.effects)


@dataclass(frozen=True)
class Call:
    """One use of a tool: its name and arguments, and what a tool may ask for by a parameter annotated `Call`.

    `effect_key` is the same on every attempt of this effect: hand it to a service as its idempotency key. `attempt`
    is 1 the first time. `doubtful`: an equal call in this conversation has an unknown outcome. `scratch` is a folder
    of this effect alone, kept until its result is on disk; it may not exist yet. `agents` lists who else lives here.
    """

    tool: str
    arguments: Mapping[str, Any]
    agent: str
    conversation: str
    workspace: Path
    effect_key: str
    effect_class: EffectClass = "once"
    attempt: int = 1
    doubtful: bool = False
    scratch: Path = Path()
    agents: Callable[[], tuple[str, ...]] = field(default=tuple, compare=False, repr=False)
    progress: Callable[[str], None] = field(default=lambda text: None, compare=False, repr=False)


Approver = Callable[[Call], Awaitable[bool]]
