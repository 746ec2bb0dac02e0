"""Hearing a model out: its chunks gathered, as a turn does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from anima.vocabulary import Chunk, Context, Finish, Message, Reasoning, Text, ToolCall, ToolSpec

ADD = ToolSpec(
    "add",
    "Add two numbers.",
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
)
ECHO = ToolSpec(
    "echo",
    "Give a text back as it is.",
    {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
)
NOW = ToolSpec("now", "The date and time now, with the time zone.", {"type": "object", "properties": {}})


def asking(text: str, *tools: ToolSpec, system: str = "Be brief.") -> Context:
    """A context with one question."""
    return Context(system, (Message("user", text),), tools)


@dataclass
class Heard:
    """Everything a model said once; texts apart, as they came."""

    texts: list[str] = field(default_factory=list)
    reasoning: list[Reasoning] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    others: list[Chunk] = field(default_factory=list)
    finish: Finish | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def end(self) -> Finish:
        assert self.finish is not None
        return self.finish


async def hear(stream: AsyncIterator[Chunk]) -> Heard:
    """Listen until the end; nothing may follow a Finish."""
    heard = Heard()
    async for chunk in stream:
        assert heard.finish is None, f"{chunk} came after the end"
        match chunk:
            case Text(text):
                heard.texts.append(text)
            case Reasoning():
                heard.reasoning.append(chunk)
            case ToolCall():
                heard.calls.append(chunk)
            case Finish():
                heard.finish = chunk
            case _:
                heard.others.append(chunk)
    return heard
