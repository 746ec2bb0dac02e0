"""Every model of the house keeps the contract: each provider, the chain around them, the scripted one."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from anima.clock import SystemClock
from anima.models.model import Model
from anima.models.providers import Providers
from anima.settings import ModelRef, RetrySettings
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context
from tests.contracts.model_contract import PROMISES
from tests.models.scripted_server import (
    Reply,
    anthropic_stream,
    ollama_stream,
    openai_stream,
    scripted_server,
)

ARGUMENTS = {"a": 17, "b": 25}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3}
CALL = {"index": 0, "id": "c", "function": {"name": "add", "arguments": json.dumps(ARGUMENTS)}}
PIECES = [{"type": "text_delta", "text": text} for text in ("one, ", "two")]
PARTIAL = [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}]
TALKING = {
    "openai": openai_stream({"content": "one, "}, {"content": "two"}, usage=USAGE),
    "anthropic": anthropic_stream(({"type": "text", "text": ""}, PIECES)),
    "ollama": ollama_stream({"content": "one, "}, {"content": "two"}),
}
CALLING = {
    "openai": openai_stream({"tool_calls": [CALL]}, finish="tool_calls", usage=USAGE),
    "anthropic": anthropic_stream(({"type": "tool_use", "id": "c", "name": "add"}, PARTIAL), stop="tool_use"),
    "ollama": ollama_stream({"content": "", "tool_calls": [{"function": {"name": "add", "arguments": ARGUMENTS}}]}),
}


def script(context: Context) -> Answer:
    return Answer(calls=[ToolCall("add", ARGUMENTS)]) if context.tools else Answer("one, two")


@pytest.fixture(params=["openai", "anthropic", "ollama", "local", "chain", "scripted"])
async def model(
    request: pytest.FixtureRequest, tmp_path: Path, models_dir: Path, promise: Callable[[Model], Awaitable[None]]
) -> AsyncGenerator[Model, None]:
    """A model that will talk, or call `add` where the promise is about calls."""
    async with AsyncExitStack() as stack:
        if request.param == "scripted":
            yield ScriptedModel(script)
            return
        if request.param == "local":
            providers = await stack.enter_async_context(Providers(SystemClock(), models_dir))
            yield providers.connect(ModelRef.parse("local"))
            return
        replies = CALLING if "call" in promise.__name__ else TALKING
        provider = "openai" if request.param == "chain" else request.param
        server = await stack.enter_async_context(scripted_server(*[Reply(replies[provider])] * 2))
        providers = await stack.enter_async_context(Providers(SystemClock(), tmp_path))
        ref = ModelRef(provider, "m", server.url)
        yield providers.chain([ref], RetrySettings()) if request.param == "chain" else providers.connect(ref)


@pytest.mark.parametrize("promise", PROMISES, ids=[promise.__name__ for promise in PROMISES])
async def test_every_model(model: Model, promise: Callable[[Model], Awaitable[None]]) -> None:
    await promise(model)
