"""Every noun of the house as a frozen, typed value.

Read this second, after `agent/turn.py`: `labels`, `talk` (with a model), `journal`, `progress`. Rooms hand these
values to each other and nothing else. Nothing here knows how any of them is stored, sent or shown.

Ids are short and stable: event `e17`, turn `t17` (the turn opened by event 17), effect `t17.2.1` (the first call of
its second step). Times are wall seconds since 1970; durations are seconds.
"""

from anima.vocabulary.labels import Label, OWNER, Trust
from anima.vocabulary.talk import (
    Chunk,
    Context,
    Fallback,
    Finish,
    Image,
    Message,
    Reasoning,
    Retry,
    Stop,
    Text,
    ToolCall,
    ToolSpec,
    Usage,
)
from anima.vocabulary.journal import (
    Approver,
    Attachment,
    Call,
    ENDED,
    Effect,
    EffectClass,
    EffectState,
    Event,
    EventState,
    NewEvent,
    Step,
    StepKind,
    Turn,
    TurnState,
    Verdict,
)
from anima.vocabulary.progress import (
    Closed,
    FellBack,
    Progress,
    Retried,
    StepDone,
    Token,
    ToolCalled,
    ToolReturned,
    TurnOpened,
    Waiting,
)

__all__ = [
    "Approver",
    "Attachment",
    "Call",
    "Chunk",
    "Closed",
    "Context",
    "ENDED",
    "Effect",
    "EffectClass",
    "EffectState",
    "Event",
    "EventState",
    "Fallback",
    "FellBack",
    "Finish",
    "Image",
    "Label",
    "Message",
    "NewEvent",
    "OWNER",
    "Progress",
    "Reasoning",
    "Retried",
    "Retry",
    "Step",
    "StepDone",
    "StepKind",
    "Stop",
    "Text",
    "Token",
    "ToolCall",
    "ToolCalled",
    "ToolReturned",
    "ToolSpec",
    "Trust",
    "Turn",
    "TurnOpened",
    "TurnState",
    "Usage",
    "Verdict",
    "Waiting",
]
