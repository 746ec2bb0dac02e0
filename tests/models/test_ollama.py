"""The `ollama` adapter: what it sends, what it makes of each kind of answer, and where OLLAMA_HOST points."""

import pytest

from anima.models.ollama import base_url
from anima.models.providers import Providers
from anima.settings import ModelRef
from anima.vocabulary import Context, Image, Message, Reasoning, ToolCall, Usage
from tests.models.hearing import ADD, asking, hear
from tests.models.scripted_server import Reply, ollama_stream, scripted_server


async def test_text_thoughts_and_calls_come_as_lines_of_json(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"function": {"name": "add", "arguments": {"a": 1, "b": 2}}}
    reply = ollama_stream(
        {"content": "", "thinking": "hm"}, {"content": "Let "}, {"content": "me"}, {"content": "", "tool_calls": [call]}
    )
    async with scripted_server(Reply(reply)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url.removeprefix("http://"))
        heard = await hear(providers.connect(ModelRef("ollama", "qwen3:8b")).stream(asking("Hi", ADD)))
    assert heard.texts == ["Let ", "me"]
    assert heard.reasoning == [Reasoning("hm")]
    assert heard.calls == [ToolCall("add", {"a": 1, "b": 2})]
    assert heard.end.stop == "calls"
    assert heard.end.usage == Usage(12, 5, 0, 0.0)
    assert heard.end.model == "ollama/qwen3:8b"
    assert "authorization" not in server.requests[0].headers


async def test_every_role_is_sent_in_its_own_shape(providers: Providers) -> None:
    context = Context(
        "You are Arya.",
        (
            Message("user", "Look", images=(Image("image/png", b"png"),)),
            Message("assistant", "ok", calls=(ToolCall("add", {"a": 1}, "c1"),)),
            Message("tool", "2", call_id="c1", tool="add"),
        ),
        (ADD,),
    )
    async with scripted_server(Reply(ollama_stream({"content": "2"}))) as server:
        ref = ModelRef("ollama", "m", server.url, context_window=16_000, max_output=100, temperature=0.0)
        await hear(providers.connect(ref).stream(context))
    sent = server.requests[0]
    assert sent.path == "/api/chat"
    assert sent.json["messages"] == [
        {"role": "system", "content": "You are Arya."},
        {"role": "user", "content": "Look", "images": ["cG5n"]},
        {"role": "assistant", "content": "ok", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]},
        {"role": "tool", "content": "2", "tool_name": "add"},
    ]
    assert sent.json["options"] == {"num_ctx": 16_000, "num_predict": 100, "temperature": 0.0}
    assert [tool["function"]["name"] for tool in sent.json["tools"]] == ["add"]


async def test_an_answer_cut_by_its_bound_says_so(providers: Providers) -> None:
    async with scripted_server(Reply(ollama_stream({"content": "and"}, reason="length"))) as server:
        heard = await hear(providers.connect(ModelRef("ollama", "m", server.url)).stream(asking("Hi")))
    assert heard.end.stop == "length"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("example.com", "http://example.com:11434"),
        ("example.com:56789", "http://example.com:56789"),
        (":56789", "http://127.0.0.1:56789"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[::]", "http://[::1]:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert base_url(host) == url
