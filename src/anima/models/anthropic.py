"""Anthropic's wire format (`/v1/messages`), with marks for its prompt cache and its signed thinking sent back.

It knows this format alone, nothing of connections.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from anima.models.encoding import base64_text, encoded, once, tool_call
from anima.models.prices import price_of, priced
from anima.settings import ModelRef, Price
from anima.vocabulary import Chunk, Context, Message, Reasoning, Stop, Text, ToolCall, ToolSpec, Usage

OFFICIAL = "https://api.anthropic.com"
VERSION = "2023-06-01"
"""The version that every imitator of this format knows, and that takes a temperature: 2026-10-21 does not."""
MAX_OUTPUT = 8192
"""Tokens of an answer where nobody set a bound: this format asks for one."""
_CACHE = b',"cache_control":{"type":"ephemeral"}}'
_REDACTED = "redacted:"
_NO_TEXT = "(no text)"
_STOPS: Mapping[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "pause_turn": "end",
    "tool_use": "calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}


class Anthropic:
    """The format as `ref` needs it."""

    path = "/v1/messages"

    def __init__(self, ref: ModelRef, official: bool) -> None:
        self._ref = ref
        self._price = price_of(ref, official)

    def headers(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def body(self, context: Context) -> Iterator[bytes]:
        """Marked for the cache: tools with system, the last message, and the one that was last a step ago."""
        yield encoded(self._head(context))[:-1]
        if context.tools:
            tools = b",".join(once(tool, "anthropic", _tool) for tool in context.tools)
            yield b',"tools":[' + (tools if context.system else _marked(tools)) + b"]"
        if context.system:
            yield b',"system":[' + _marked(encoded({"type": "text", "text": context.system})) + b"]"
        yield b',"messages":['
        yield from _messages(context.messages)
        yield b"]}"

    def reader(self) -> "Reading":
        return Reading(self._price)

    def _head(self, context: Context) -> dict[str, Any]:
        most = context.max_output or self._ref.max_output or MAX_OUTPUT
        head: dict[str, Any] = {"model": self._ref.model, "max_tokens": most, "stream": True}
        if self._ref.temperature is not None:
            head["temperature"] = self._ref.temperature
        return head


def _messages(messages: Sequence[Message]) -> Iterator[bytes]:
    """Results of tools are the user's words here, and neighbours of one role are one message."""
    turns = [(role, list(group)) for role, group in groupby(messages, lambda message: message.role == "assistant")]
    marked = {id(group[-1]) for is_assistant, group in turns[-3:] if not is_assistant}
    before = b""
    for is_assistant, group in turns:
        yield before + b'{"role":"assistant","content":[' if is_assistant else before + b'{"role":"user","content":['
        between = b""
        for message in group:
            blocks = once(message, "anthropic", _blocks)
            if blocks:
                yield between + (_marked(blocks) if id(message) in marked else blocks)
                between = b","
        yield b"]}"
        before = b","


def _marked(blocks: bytes) -> bytes:
    """The same, the last block marked: what stands up to here is worth keeping."""
    return blocks[:-1] + _CACHE


def _blocks(message: Message) -> bytes:
    return b",".join(encoded(block) for block in _content(message))


def _content(message: Message) -> Iterator[dict[str, Any]]:
    """Blocks of one message; empty texts are not allowed."""
    if message.role == "tool":
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.call_id)}
        if message.text.strip():
            result["content"] = message.text
        yield result if message.ok else {**result, "is_error": True}
        return
    yield from (_thought(reason) for reason in message.reasoning if reason.proof)
    for image in message.images:
        source = {"type": "base64", "media_type": image.mime, "data": base64_text(image)}
        yield {"type": "image", "source": source}
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    elif not message.calls and not message.images:
        yield {"type": "text", "text": _NO_TEXT}
    for call in message.calls:
        arguments = call.arguments if call.unparsed is None else {"unparsed": call.unparsed}
        yield {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments}


def _thought(reason: Reasoning) -> dict[str, Any]:
    if reason.proof.startswith(_REDACTED):
        return {"type": "redacted_thinking", "data": reason.proof.removeprefix(_REDACTED)}
    return {"type": "thinking", "thinking": reason.text, "signature": reason.proof}


def _id(id: str) -> str:
    """Another provider's id of a call, in the letters allowed here."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", id) or "_"


def _tool(tool: ToolSpec) -> bytes:
    return encoded({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})


class Reading:
    """Reads one streamed answer."""

    def __init__(self, price: Price | None) -> None:
        self.stop: Stop | None = None
        self.ended = False
        self._price = price
        self._usage: dict[str, Any] = {}
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def read(self, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        match piece["type"]:
            case "message_start":
                self._usage.update(piece["message"].get("usage") or {})
            case "content_block_start":
                return self._begin(piece["index"], piece["content_block"])
            case "content_block_delta":
                return self._go_on(piece["index"], piece["delta"])
            case "content_block_stop" if piece["index"] in self._calls:
                return [self._call(piece["index"])]
            case "message_delta":
                told = piece.get("usage") or {}
                self._usage.update({word: count for word, count in told.items() if count is not None})
                if piece["delta"].get("stop_reason"):
                    self.stop = _STOPS.get(piece["delta"]["stop_reason"], "end")
            case "message_stop":
                self.ended = True
        return ()

    def end(self) -> list[ToolCall]:
        return [self._call(index) for index in list(self._calls)]

    def usage(self) -> Usage:
        """Input counts all there was: fresh, written to the cache, read from it."""
        told = self._usage
        cached = told.get("cache_read_input_tokens") or 0
        written = told.get("cache_creation_input_tokens") or 0
        total = (told.get("input_tokens") or 0) + cached + written
        usage = Usage(total, told.get("output_tokens") or 0, cached)
        return priced(usage, self._price, written) if told else usage

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterable[Chunk]:
        match block["type"]:
            case "tool_use":
                self._calls[index] = (block["id"], block["name"], [])
            case "redacted_thinking":
                return [Reasoning("", _REDACTED + block["data"])]
            case "text" if block.get("text"):
                return [Text(block["text"])]
        return ()

    def _go_on(self, index: int, delta: Mapping[str, Any]) -> Iterable[Chunk]:
        match delta["type"]:
            case "text_delta":
                return [Text(delta["text"])]
            case "thinking_delta":
                return [Reasoning(delta["thinking"])]
            case "signature_delta" if delta["signature"]:
                return [Reasoning("", delta["signature"])]
            case "input_json_delta":
                self._calls[index][2].append(delta["partial_json"])
        return ()

    def _call(self, index: int) -> ToolCall:
        id, name, arguments = self._calls.pop(index)
        return tool_call(id, name, "".join(arguments))
