"""JSON from and for providers: what they send is made harmless, what is sent to them is made once.

History goes out again with every call, and its messages do not change: what was encoded is kept beside the digest of
the message or tool itself, so it lives exactly as long. This module does not know any provider's format.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from anima.vocabulary import Image, Message, ToolCall, ToolSpec

Shown = TypeVar("Shown", Message, ToolSpec)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def dump(value: object) -> str:
    """Compact JSON."""
    return _encode(value)


def encoded(value: object) -> bytes:
    """Compact JSON in UTF-8; half a surrogate pair, which has no UTF-8, becomes a question mark."""
    return _encode(value).encode(errors="replace")


def once(shown: Shown, dialect: str, encode: Callable[[Shown], bytes]) -> bytes:
    """`encode(shown)`, from memory if this message or tool was encoded in this dialect before."""
    memory = vars(shown)
    if dialect not in memory:
        memory[dialect] = encode(shown)
    kept: bytes = memory[dialect]
    return kept


def base64_text(image: Image) -> str:
    return base64.b64encode(image.data).decode()


def parse(text: str) -> Any:
    """A provider's JSON. Raises ValueError for all that is none, NaN and bottomless nesting included.

    Half a surrogate pair, which nothing could store or print, becomes a question mark.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        return json.loads(encoded(value)) if _HALF.search(text) else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def tool_call(id: str, name: str, arguments: str) -> ToolCall:
    """A call with its arguments parsed; what is no JSON object is kept as it is."""
    try:
        parsed = parse(arguments or "{}")
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return ToolCall(name, parsed, id)
    return ToolCall(name, {}, id, arguments)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
