"""Every way a provider can fail, over real sockets: which error it becomes, and that nothing is left behind."""

import asyncio
import json
from email.utils import formatdate

import pytest

from anima.errors import (
    BadKey,
    BadRequest,
    ContextTooLong,
    MalformedAnswer,
    ModelError,
    Overloaded,
    RateLimited,
    Refused,
    Unreachable,
    UsageError,
)
from anima.models.failure import failure, retry_after
from anima.models.providers import Providers
from anima.settings import ModelRef, Secret
from anima.vocabulary import Text
from tests.models.hearing import asking, hear
from tests.models.scripted_server import (
    Reply,
    ScriptedServer,
    anthropic_text,
    events,
    ollama_stream,
    openai_stream,
    scripted_server,
)

WHOLE = {"openai": openai_stream({"content": "ok"}), "anthropic": anthropic_text("ok"), "ollama": ollama_stream()}
HALF = {
    "openai": openai_stream({"content": "half"})[:1],
    "anthropic": anthropic_text("half")[:3],
    "ollama": ollama_stream({"content": "half"})[:1],
}
every = pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama"])


def refusal(message: str, **more: object) -> list[bytes]:
    return [json.dumps({"error": {"message": message, **more}}).encode()]


async def fail(providers: Providers, server: ScriptedServer, provider: str = "openai") -> ModelError:
    """The error a call ends with."""
    with pytest.raises(ModelError) as caught:
        await hear(providers.connect(ModelRef(provider, "m", server.url, timeout=1.0)).stream(asking("Hi")))
    return caught.value


@every
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, refusal("m is not a model"), BadRequest),
        (400, refusal("This model's maximum context length is 8192 tokens"), ContextTooLong),
        (400, refusal("prompt is too long: 210000 tokens > 200000 maximum"), ContextTooLong),
        (400, refusal("request (5031 tokens) exceeds", type="exceed_context_size_error"), ContextTooLong),
        (400, refusal("flagged", code="content_policy_violation"), Refused),
        (400, refusal("Your credit balance is too low"), BadKey),
        (401, refusal("no such key"), BadKey),
        (403, [], BadKey),
        (404, [b'{"error": "model \'m\' not found"}'], BadRequest),
        (413, [], ContextTooLong),
        (429, refusal("slow down"), RateLimited),
        (429, refusal("pay first", code="insufficient_quota"), BadKey),
        (301, [], MalformedAnswer),
        (500, [b"<html>oops</html>"], Overloaded),
        (502, [], Overloaded),
        (529, refusal("overloaded", type="overloaded_error"), Overloaded),
    ],
)
async def test_a_refused_request_becomes_the_error_it_means(
    providers: Providers, provider: str, status: int, body: list[bytes], error: type[ModelError]
) -> None:
    async with scripted_server(Reply(body, status)) as server:
        caught = await fail(providers, server, provider)
    assert type(caught) is error
    assert f"{provider}/m" in caught.message
    assert caught.hint


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(1030.0)}, 30.0),
        ({"retry-after": formatdate(10.0)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "x"}, None),
        ({}, None),
    ],
)
def test_the_wait_a_provider_asks_for_is_read_in_each_of_its_forms(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(headers, 1000.0) == wait


async def test_a_rate_limit_carries_the_wait_it_asks_for(providers: Providers) -> None:
    async with scripted_server(Reply(refusal("slow down"), 429, {"retry-after": "7"})) as server:
        caught = await fail(providers, server)
    assert (caught.retryable, caught.unavailable, caught.retry_after) == (True, True, 7.0)


@every
async def test_a_connection_cut_in_the_middle_is_unreachable(providers: Providers, provider: str) -> None:
    async with scripted_server(Reply(HALF[provider], then="cut")) as server:
        assert type(await fail(providers, server, provider)) is Unreachable


@every
async def test_an_answer_that_ends_before_its_end_is_unreachable(providers: Providers, provider: str) -> None:
    async with scripted_server(Reply(HALF[provider])) as server:
        caught = await fail(providers, server, provider)
    assert type(caught) is Unreachable
    assert "in the middle" in caught.message


@every
async def test_a_server_that_says_nothing_more_is_unreachable_in_time(providers: Providers, provider: str) -> None:
    async with scripted_server(Reply(HALF[provider], then="hang")) as server:
        caught = await fail(providers, server, provider)
        await server.left.wait()
    assert type(caught) is Unreachable
    assert "1 s" in caught.message


@every
async def test_nobody_listening_is_unreachable(providers: Providers, provider: str) -> None:
    async with scripted_server() as server:
        pass
    caught = await fail(providers, server, provider)
    assert type(caught) is Unreachable
    assert "127.0.0.1" in caught.message
    assert "base_url" in caught.hint


@every
@pytest.mark.parametrize(
    "body",
    [
        [b'data: {"choices": [{"delta": {"con\n\n'],
        [b'{"message": {"content": "h\n'],
        [b"data: [DONE]\n\n"],
        [b""],
        [b"<html>a login page</html>"],
        events({"choices": []}, {"type": "nothing"}, done=True),
        events({"choices": [{}], "type": "nothing"}, done=True),
        events({"choices": [7], "type": 7, "message": 7}, done=True),
        events({"choices": "x", "type": "content_block_delta", "message": "x"}, done=True),
        [b"data: {" + b"[" * 50_000 + b"\n\n"],
        [b'data: {"x": NaN}\n\n'],
        [b"data: {" + b"x" * 5_000_000],
    ],
    ids=range(12),
)
async def test_what_is_no_answer_is_malformed(providers: Providers, provider: str, body: list[bytes]) -> None:
    async with scripted_server(Reply([piece for piece in body if piece])) as server:
        assert type(await fail(providers, server, provider)) is MalformedAnswer


async def test_an_answer_without_a_word_is_malformed_unless_the_model_chose_to_be_silent(providers: Providers) -> None:
    silent = openai_stream(usage={"prompt_tokens": 5, "completion_tokens": 1})
    async with scripted_server(Reply(openai_stream()), Reply(silent)) as server:
        assert type(await fail(providers, server)) is MalformedAnswer
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("Hi")))
    assert (heard.text, heard.end.stop) == ("", "end")


@pytest.mark.parametrize(
    ("provider", "told", "error"),
    [
        ("openai", events({"error": {"message": "busy", "type": "server_error"}}), Overloaded),
        ("openai", events({"error": {"message": "slow", "type": "rate_limit_exceeded"}}), RateLimited),
        ("anthropic", events({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}), Overloaded),
        ("anthropic", events({"type": "error", "error": {"type": "invalid_request_error"}}), BadRequest),
        ("ollama", [b'{"error": "an unknown error occurred"}\n'], Overloaded),
    ],
)
async def test_a_failure_told_in_the_middle_of_a_stream_is_raised(
    providers: Providers, provider: str, told: list[bytes], error: type[ModelError]
) -> None:
    async with scripted_server(Reply([*HALF[provider], *told])) as server:
        assert type(await fail(providers, server, provider)) is error


@every
async def test_closing_the_stream_closes_the_connection(providers: Providers, provider: str) -> None:
    async with scripted_server(Reply(HALF[provider], then="hang")) as server:
        stream = providers.connect(ModelRef(provider, "m", server.url)).stream(asking("Hi"))
        assert await anext(stream) == Text("half")
        await stream.aclose()
        await server.left.wait()


@every
async def test_cancelling_the_listener_closes_the_connection(providers: Providers, provider: str) -> None:
    async with scripted_server(Reply(HALF[provider], then="hang")) as server:
        model = providers.connect(ModelRef(provider, "m", server.url))
        listener = asyncio.create_task(hear(model.stream(asking("Hi"))))
        while not server.requests:
            await asyncio.sleep(0)
        listener.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listener
        await server.left.wait()


async def test_a_server_that_never_ends_its_body_does_not_hold_up_the_answer(providers: Providers) -> None:
    async with scripted_server(Reply(anthropic_text("ok"), then="hang")) as server:
        async with asyncio.timeout(5):
            heard = await hear(providers.connect(ModelRef("anthropic", "m", server.url)).stream(asking("Hi")))
    assert heard.text == "ok"


async def test_the_key_is_sent_and_never_repeated(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARYAS_KEY", "sk-very-secret")
    secret = Secret("env", "ARYAS_KEY")
    async with scripted_server(*[Reply(refusal("no such key: sk-very-secret"), 401)] * 3) as server:
        for provider, header in (("openai", "authorization"), ("anthropic", "x-api-key"), ("ollama", "authorization")):
            model = providers.connect(ModelRef(provider, "m", server.url, api_key=secret))
            with pytest.raises(BadKey) as caught:
                await hear(model.stream(asking("Hi")))
            assert "sk-very-secret" in server.requests[-1].headers[header]
            assert "sk-very-secret" not in caught.value.message


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_without_its_key_a_makers_own_server_is_not_even_asked(providers: Providers, provider: str) -> None:
    with pytest.raises(BadKey, match=f"{provider.upper()}_API_KEY"):
        await hear(providers.connect(ModelRef(provider, "m")).stream(asking("Hi")))


async def test_a_key_that_the_settings_name_must_be_there(providers: Providers) -> None:
    async with scripted_server() as server:
        model = providers.connect(ModelRef("openai", "m", server.url, api_key=Secret("env", "NOT_SET_ANYWHERE")))
        with pytest.raises(BadKey, match="NOT_SET_ANYWHERE"):
            await hear(model.stream(asking("Hi")))
    assert server.requests == []


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_the_environment_says_where_a_provider_is_as_its_sdk_reads_it(
    providers: Providers, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted_server(Reply(WHOLE[provider])) as server:
        monkeypatch.setenv(f"{provider.upper()}_BASE_URL", server.url)
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "k")
        assert (await hear(providers.connect(ModelRef(provider, "m")).stream(asking("Hi")))).text == "ok"


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:99999", "http://[::1"])
async def test_a_base_url_that_is_none_is_told_before_anything_is_sent(providers: Providers, url: str) -> None:
    with pytest.raises(UsageError, match="base URL"):
        providers.connect(ModelRef("ollama", "m", url))


async def test_text_after_a_made_up_turn_of_the_user_is_cut(providers: Providers) -> None:
    pieces = ("It is 4.", "\n", "\nUs", "er: and 3 + 3?\n", "Assistant: 6")
    call = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "add", "arguments": "{}"}}]}
    reply = openai_stream(*({"content": piece} for piece in pieces), call, finish="tool_calls")
    async with scripted_server(Reply(reply)) as server:
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("2 + 2?")))
    assert heard.text == "It is 4."
    assert heard.calls == []
    assert heard.end.stop == "end"


def test_a_failure_without_a_word_of_reason_still_says_who_and_what() -> None:
    error = failure("openai/m", 503, "")
    assert error.message == "openai/m answered HTTP 503: no reason given"


async def test_closing_the_providers_twice_does_no_harm(providers: Providers) -> None:
    providers.connect(ModelRef("ollama", "m"))
    await providers.aclose()
    await providers.aclose()
