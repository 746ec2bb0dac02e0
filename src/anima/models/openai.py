"""OpenAI's wire format (`/v1/chat/completions`), which a hundred other servers speak too.

It knows this format alone, nothing of connections.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from anima.models.encoding import base64_text, dump, encoded, once, tool_call
from anima.models.prices import price_of, priced
from anima.settings import ModelRef, Price
from anima.vocabulary import Chunk, Context, Message, Reasoning, Stop, Text, ToolCall, ToolSpec, Usage

OFFICIAL = "https://api.openai.com/v1"
_STOPS: Mapping[str, Stop] = {
    "stop": "end",
    "tool_calls": "calls",
    "function_call": "calls",
    "length": "length",
    "content_filter": "refused",
}


class OpenAI:
    """The format as `ref` needs it. `official`: OpenAI's own server, which takes some newer words only."""

    path = "/chat/completions"

    def __init__(self, ref: ModelRef, official: bool) -> None:
        self._ref = ref
        self._official = official
        self._price = price_of(ref, official)

    def headers(self, key: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, context: Context) -> Iterator[bytes]:
        yield encoded(self._head(context))[:-1] + b',"messages":['
        if context.system:
            yield encoded({"role": "system", "content": context.system})
        for place, message in enumerate(context.messages):
            if place or context.system:
                yield b","
            yield once(message, "openai", _message)
        if context.tools:
            yield b'],"tools":[' + b",".join(once(tool, "openai", _tool) for tool in context.tools)
        yield b"]}"

    def reader(self) -> "Reading":
        return Reading(self._price)

    def _head(self, context: Context) -> dict[str, Any]:
        head: dict[str, Any] = {
            "model": self._ref.model,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        most = context.max_output or self._ref.max_output
        if most is not None:
            head["max_completion_tokens" if self._official else "max_tokens"] = most
        if self._ref.temperature is not None:
            head["temperature"] = self._ref.temperature
        return head


def _message(message: Message) -> bytes:
    match message.role:
        case "tool":
            return encoded({"role": "tool", "tool_call_id": message.call_id, "content": message.text})
        case "assistant":
            said: dict[str, Any] = {"role": "assistant", "content": message.text}
            if message.calls:
                said["content"] = message.text or None
                said["tool_calls"] = [_call(call) for call in message.calls]
            return encoded(said)
        case "user" if message.images:
            return encoded({"role": "user", "content": [{"type": "text", "text": message.text}, *_images(message)]})
        case "user":
            return encoded({"role": "user", "content": message.text})


def _call(call: ToolCall) -> dict[str, Any]:
    # Some servers parse the arguments of earlier calls, so what was no JSON object is wrapped into one.
    arguments = call.arguments if call.unparsed is None else {"unparsed": call.unparsed}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": dump(arguments)}}


def _images(message: Message) -> Iterator[dict[str, Any]]:
    for image in message.images:
        yield {"type": "image_url", "image_url": {"url": f"data:{image.mime};base64,{base64_text(image)}"}}


def _tool(tool: ToolSpec) -> bytes:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return encoded({"type": "function", "function": function})


class Reading:
    """Reads one streamed answer."""

    def __init__(self, price: Price | None) -> None:
        self.stop: Stop | None = None
        self.ended = False
        self._price = price
        self._usage: Mapping[str, Any] | None = None
        self._calls: list[_Draft] = []

    def read(self, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        self._usage = piece.get("usage") or self._usage
        chunks: list[Chunk] = []
        for choice in piece.get("choices") or ():
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if thought:
                chunks.append(Reasoning(thought))
            if delta.get("refusal") or delta.get("content"):
                chunks.append(Text(delta.get("content") or delta["refusal"]))
            for part in delta.get("tool_calls") or ():
                self._draft(part)
            if choice.get("finish_reason"):
                self.stop = _STOPS.get(choice["finish_reason"], "end")
        self.ended = self.stop is not None and self._usage is not None
        return chunks

    def end(self) -> list[ToolCall]:
        if self._calls and self.stop == "end":
            self.stop = "calls"
        return [tool_call(draft.id, draft.name, "".join(draft.arguments)) for draft in self._calls]

    def usage(self) -> Usage:
        told = self._usage or {}
        cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        usage = Usage(told.get("prompt_tokens") or 0, told.get("completion_tokens") or 0, cached)
        return priced(usage, self._price) if told else usage

    def _draft(self, part: Mapping[str, Any]) -> None:
        """Pieces of a call come under its index; servers that give none, or 0 to all, give each call a new id."""
        function = part.get("function") or {}
        index, id, name = part.get("index"), part.get("id") or "", function.get("name") or ""
        draft = next((draft for draft in reversed(self._calls) if index in (None, draft.index)), None)
        if draft is None or (name and (id != draft.id if id else index is None)):
            draft = _Draft(index, id, name)
            self._calls.append(draft)
        arguments = function.get("arguments") or ""
        draft.arguments.append(arguments if isinstance(arguments, str) else dump(arguments))


class _Draft:
    """A call whose arguments are still arriving."""

    def __init__(self, index: int | None, id: str, name: str) -> None:
        self.index, self.id, self.name = index, id, name
        self.arguments: list[str] = []
