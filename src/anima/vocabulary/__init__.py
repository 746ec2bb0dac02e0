"""Every noun of the house as a frozen, typed value.

Read this second, after `agent/turn.py`: `labels`, `talk` (with a model), `journal`, `progress`. Rooms hand these
values to each other and nothing else. Nothing here knows how any of them is stored, sent or shown.

Ids are short and stable: event `e17`, turn `t17` (the turn opened by event 17), effect `t17.2.1` (the first call of
its second step). Times are wall seconds since 1970; durations are seconds.
"""

from anima.vocabulary.journal import (
    ENDED,
    Approver,
    Attachment,
    Call,
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
from anima.vocabulary.labels import OWNER, Label, Trust
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

__all__ = [
    "ENDED",
    "OWNER",
    "Approver",
    "Attachment",
    "Call",
    "Chunk",
    "Closed",
    "Context",
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
