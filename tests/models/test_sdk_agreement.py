"""The official SDKs as judges: what we send is what they would send, what they read is what we read."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from anima.models.providers import Providers
from anima.settings import ModelRef, Secret
from anima.vocabulary import Context, Image, Message, ToolCall
from tests.models.hearing import ADD, ECHO, Heard, hear
from tests.models.scripted_server import Reply, ScriptedServer, anthropic_stream, openai_stream, scripted_server

LONG = Context(
    "You are Arya.",
    (
        Message("user", "Look", images=(Image("image/png", b"png"),)),
        Message("assistant", "I see.", calls=(ToolCall("add", {"a": 1, "b": 2}, "c1"), ToolCall("echo", {}, "c2"))),
        Message("tool", "3", call_id="c1", tool="add"),
        Message("tool", "text is missing", call_id="c2", tool="echo", ok=False),
        Message("user", "And?"),
    ),
    (ADD, ECHO),
    max_output=100,
)


@asynccontextmanager
async def both(
    provider: str, pieces: list[bytes], providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[ScriptedServer, Heard, dict[str, Any]], None]:
    """A server that has answered us with `pieces` and will answer an SDK alike; what we heard and what we sent."""
    monkeypatch.setenv("TEST_KEY", "k")
    async with scripted_server(Reply(pieces), Reply(pieces)) as server:
        ref = ModelRef(provider, "m", server.url, api_key=Secret("env", "TEST_KEY"))
        heard = await hear(providers.connect(ref).stream(LONG))
        yield server, heard, server.requests[0].json


async def test_openais_sdk_reads_the_same_answer_and_sends_the_same_request(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"index": 0, "id": "c3", "type": "function", "function": {"name": "add", "arguments": '{"a": 4,'}}
    rest = {"index": 0, "function": {"arguments": ' "b": 5}'}}
    pieces = openai_stream(
        {"content": "So"},
        {"tool_calls": [first]},
        {"tool_calls": [rest]},
        finish="tool_calls",
        usage={"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59},
    )
    async with both("openai", pieces, providers, monkeypatch) as (server, heard, sent):
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url) as client:
            told = [chunk async for chunk in await client.chat.completions.create(**sent)]
        ours, theirs = server.requests
    choices = [choice for chunk in told for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == heard.text
    calls: list[ChoiceDeltaToolCall] = [call for choice in choices for call in choice.delta.tool_calls or ()]
    arguments = "".join(call.function.arguments or "" for call in calls if call.function)
    assert json.loads(arguments) == heard.calls[0].arguments
    assert told[-1].usage is not None
    assert told[-1].usage.prompt_tokens == heard.end.usage.input
    assert theirs.json == ours.json
    assert (theirs.path, theirs.headers["authorization"]) == (ours.path, ours.headers["authorization"])


async def test_anthropics_sdk_reads_the_same_answer_and_sends_the_same_request(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = anthropic_stream(
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "S"}],
        ),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "So"}]),
        (
            {"type": "tool_use", "id": "t1", "name": "add", "input": {}},
            [{"type": "input_json_delta", "partial_json": '{"a": 4, "b": 5}'}],
        ),
        stop="tool_use",
    )
    async with both("anthropic", pieces, providers, monkeypatch) as (server, heard, sent):
        async with anthropic.AsyncAnthropic(api_key="k", base_url=server.url) as client:
            request = {word: value for word, value in sent.items() if word != "stream"}
            async with client.messages.stream(**request) as stream:
                message = await stream.get_final_message()
        ours, theirs = server.requests
    thought, text, call = message.content
    assert isinstance(thought, anthropic.types.ThinkingBlock)
    assert isinstance(text, anthropic.types.TextBlock)
    assert isinstance(call, anthropic.types.ToolUseBlock)
    assert (thought.thinking, thought.signature) == ("hm", heard.reasoning[-1].proof)
    assert text.text == heard.text
    assert (call.id, call.name, call.input) == (heard.calls[0].id, heard.calls[0].name, heard.calls[0].arguments)
    assert (message.stop_reason, heard.end.stop) == ("tool_use", "calls")
    assert message.usage.output_tokens == heard.end.usage.output
    assert theirs.json == ours.json
    assert theirs.path == ours.path
    # The API takes a key under either name: the SDK has moved to one, the servers that imitate it know the other.
    assert (theirs.headers["authorization"], ours.headers["x-api-key"]) == ("Bearer k", "k")
