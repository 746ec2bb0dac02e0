"""Ollama's wire format (`/api/chat`, a JSON object a line), and where `OLLAMA_HOST` says it is.

It knows this format alone, nothing of connections.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from anima.models.encoding import base64_text, dump, encoded, once, tool_call
from anima.models.prices import FREE, priced
from anima.settings import ModelRef
from anima.vocabulary import Chunk, Context, Message, Reasoning, Stop, Text, ToolCall, ToolSpec, Usage

PORT = 11434
_STOPS: Mapping[str, Stop] = {"stop": "end", "length": "length"}
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def base_url(host: str) -> str:
    """The URL that a value of OLLAMA_HOST means, as Ollama's own programs read it: `host`, `host:port`, a URL.

    An address a server listens on at all interfaces is reached at loopback.
    """
    scheme, _, place = host.strip().rpartition("://")
    split = urlsplit(f"//{place}")
    usual = {"http": 80, "https": 443}.get(scheme, PORT)
    name = split.hostname or "127.0.0.1"
    name = _ANYWHERE.get(name) or (f"[{name}]" if ":" in name else name)
    return f"{scheme or 'http'}://{name}:{split.port or usual}{split.path.rstrip('/')}"


class Ollama:
    """The format as `ref` needs it."""

    path = "/api/chat"

    def __init__(self, ref: ModelRef) -> None:
        self._ref = ref

    def headers(self, key: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, context: Context) -> Iterator[bytes]:
        yield encoded(self._head(context))[:-1] + b',"messages":['
        if context.system:
            yield encoded({"role": "system", "content": context.system})
        for place, message in enumerate(context.messages):
            if place or context.system:
                yield b","
            yield once(message, "ollama", _message)
        if context.tools:
            yield b'],"tools":[' + b",".join(once(tool, "openai", _tool) for tool in context.tools)
        yield b"]}"

    def reader(self) -> "Reading":
        return Reading(self._ref)

    def _head(self, context: Context) -> dict[str, Any]:
        # Ollama cuts what is beyond its own window of 4096 tokens without a word, so a larger one is asked for.
        options = {
            "num_ctx": self._ref.context_window,
            "num_predict": context.max_output or self._ref.max_output,
            "temperature": self._ref.temperature,
        }
        known = {word: value for word, value in options.items() if value is not None}
        return {"model": self._ref.model, "stream": True, "options": known}


def _message(message: Message) -> bytes:
    said: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.images:
        said["images"] = [base64_text(image) for image in message.images]
    if message.calls:
        said["tool_calls"] = [_call(call) for call in message.calls]
    if message.role == "tool":
        said["tool_name"] = message.tool
    return encoded(said)


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = call.arguments if call.unparsed is None else {"unparsed": call.unparsed}
    return {"function": {"name": call.name, "arguments": arguments}}


def _tool(tool: ToolSpec) -> bytes:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return encoded({"type": "function", "function": function})


class Reading:
    """Reads one streamed answer."""

    def __init__(self, ref: ModelRef) -> None:
        self.stop: Stop | None = None
        self.ended = False
        self._price = ref.price or FREE
        self._last: Mapping[str, Any] = {}
        self._called = False

    def read(self, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        message = piece.get("message") or {}
        chunks: list[Chunk] = []
        if message.get("thinking"):
            chunks.append(Reasoning(message["thinking"]))
        if message.get("content"):
            chunks.append(Text(message["content"]))
        chunks += [self._call(call["function"]) for call in message.get("tool_calls") or ()]
        if piece.get("done"):
            self._last, self.ended = piece, True
            self.stop = "calls" if self._called else _STOPS.get(piece.get("done_reason") or "stop", "end")
        return chunks

    def end(self) -> list[ToolCall]:
        return []

    def usage(self) -> Usage:
        return priced(Usage(self._last.get("prompt_eval_count") or 0, self._last.get("eval_count") or 0), self._price)

    def _call(self, function: Mapping[str, Any]) -> ToolCall:
        """Ollama gives calls no ids: whoever writes them down does."""
        self._called = True
        arguments = function.get("arguments") or {}
        return tool_call("", function["name"], arguments if isinstance(arguments, str) else dump(arguments))
