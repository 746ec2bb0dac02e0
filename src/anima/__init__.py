"""Anima: the home an AI agent lives in.

    from anima import Agent, Runtime, tool

The public names, loaded when first used; nothing else.
"""

import importlib

TYPE_CHECKING = False  # the type checker takes it for True; importing `typing` would double the time to start
if TYPE_CHECKING:
    from anima.errors import AnimaError, ModelError, ToolError, TurnFailed
    from anima.models.model import Model
    from anima.runtime import Agent, Mode, Runtime
    from anima.tools.tool import Tool, tool
    from anima.vocabulary import Attachment, Call, Closed, Context, Progress, Token, Turn

__version__ = "0.1.0"

_HOMES = {
    "Agent": "anima.runtime",
    "AnimaError": "anima.errors",
    "Attachment": "anima.vocabulary",
    "Call": "anima.vocabulary",
    "Closed": "anima.vocabulary",
    "Context": "anima.vocabulary",
    "Mode": "anima.runtime",
    "Model": "anima.models.model",
    "ModelError": "anima.errors",
    "Progress": "anima.vocabulary",
    "Runtime": "anima.runtime",
    "Token": "anima.vocabulary",
    "Tool": "anima.tools.tool",
    "ToolError": "anima.errors",
    "Turn": "anima.vocabulary",
    "TurnFailed": "anima.errors",
    "tool": "anima.tools.tool",
}

__all__ = [
    "Agent",
    "AnimaError",
    "Attachment",
    "Call",
    "Closed",
    "Context",
    "Mode",
    "Model",
    "ModelError",
    "Progress",
    "Runtime",
    "Token",
    "Tool",
    "ToolError",
    "Turn",
    "TurnFailed",
    "tool",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'anima' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
