"""The `openai` and `anthropic` adapters against a real server: llama.cpp's own, which speaks both."""

import pytest

from anima.errors import BadKey, ContextTooLong
from anima.models.providers import Providers
from anima.settings import ModelRef, Secret
from anima.vocabulary import Context, Message, ToolCall
from tests.models.conftest import KEY
from tests.models.hearing import ADD, asking, hear

every = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture
def ref(llama_url: str, provider: str, monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """The bundled model, behind a provider's wire format."""
    monkeypatch.setenv("LLAMA_KEY", KEY)
    base = {"openai": f"{llama_url}/v1", "anthropic": llama_url}[provider]
    return ModelRef(provider, "m", base, api_key=Secret("env", "LLAMA_KEY"), max_output=24, temperature=0.0)


@every
async def test_an_answer_streams_token_by_token_with_its_usage(providers: Providers, ref: ModelRef) -> None:
    heard = await hear(providers.connect(ref).stream(asking("Count from one to ten in words.")))
    assert 5 < len(heard.texts) <= heard.end.usage.output <= 24
    assert heard.end.usage.input > 20
    assert heard.end.stop in ("end", "length")


@every
async def test_the_same_prefix_is_found_in_the_servers_cache(providers: Providers, ref: ModelRef) -> None:
    context = asking("Say a word about the sea, the sky, the wind, the sand and the sun. " * 3)
    for _ in range(2):
        heard = await hear(providers.connect(ref).stream(context))
    assert heard.end.usage.cached > heard.end.usage.input / 2


@every
async def test_a_conversation_with_calls_and_results_is_accepted(providers: Providers, ref: ModelRef) -> None:
    context = Context(
        "Be brief.",
        (
            Message("user", "What is 17 + 25?"),
            Message("assistant", calls=(ToolCall("add", {"a": 17, "b": 25}, "c1"),)),
            Message("tool", "42", call_id="c1", tool="add"),
            Message("user", "And?"),
        ),
        (ADD,),
    )
    assert (await hear(providers.connect(ref).stream(context))).end.usage.output > 0


@every
async def test_a_wrong_key_is_told(providers: Providers, ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_KEY", "wrong")
    with pytest.raises(BadKey):
        await hear(providers.connect(ref).stream(asking("Hi")))


@every
async def test_more_than_the_model_can_hold_is_told(providers: Providers, ref: ModelRef) -> None:
    with pytest.raises(ContextTooLong):
        await hear(providers.connect(ref).stream(asking("word " * 3000)))
