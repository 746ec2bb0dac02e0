"""The `anthropic` adapter: what it sends, and what it makes of each kind of answer."""

from anima.models.providers import Providers
from anima.settings import ModelRef, Price
from anima.vocabulary import Context, Image, Message, Reasoning, ToolCall, Usage
from tests.models.hearing import ADD, ECHO, asking, hear
from tests.models.scripted_server import Reply, anthropic_stream, anthropic_text, scripted_server

MARK = {"type": "ephemeral"}


async def test_text_comes_piece_by_piece_with_all_input_counted(providers: Providers) -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 20, "output_tokens": 1}
    text = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Hel"}, {"type": "text_delta", "text": "lo"}])
    async with scripted_server(Reply(anthropic_stream(text, usage=usage))) as server:
        ref = ModelRef("anthropic", "m", server.url, price=Price(10.0, 100.0, 1.0))
        heard = await hear(providers.connect(ref).stream(asking("Hi")))
    assert heard.texts == ["Hel", "lo"]
    assert heard.end.stop == "end"
    assert heard.end.usage == Usage(110, 7, 80, (10 * 10 + 20 * 12.5 + 80 * 1 + 7 * 100) / 1e6)


async def test_parallel_calls_are_each_told_once_and_whole(providers: Providers) -> None:
    parts = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"a": 1,', ' "b": 2}')]
    reply = anthropic_stream(
        ({"type": "tool_use", "id": "t1", "name": "add", "input": {}}, parts),
        ({"type": "tool_use", "id": "t2", "name": "echo", "input": {}}, []),
        ({"type": "tool_use", "id": "t3", "name": "echo", "input": {}}, [{**parts[0], "partial_json": '{"text'}]),
        stop="tool_use",
    )
    async with scripted_server(Reply(reply)) as server:
        heard = await hear(providers.connect(ModelRef("anthropic", "m", server.url)).stream(asking("Hi", ADD, ECHO)))
    assert heard.calls == [
        ToolCall("add", {"a": 1, "b": 2}, "t1"),
        ToolCall("echo", {}, "t2"),
        ToolCall("echo", {}, "t3", unparsed='{"text'),
    ]
    assert heard.end.stop == "calls"


async def test_signed_thoughts_come_back_unchanged_and_unsigned_ones_do_not(providers: Providers) -> None:
    reply = anthropic_stream(
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "S1"}],
        ),
        ({"type": "redacted_thinking", "data": "D1"}, []),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "42"}]),
    )
    async with scripted_server(Reply(reply), Reply(anthropic_text("ok"))) as server:
        model = providers.connect(ModelRef("anthropic", "m", server.url))
        heard = await hear(model.stream(asking("Hi")))
        assert [piece.text for piece in heard.reasoning] == ["hm", "", ""]
        whole = (Reasoning("hm", heard.reasoning[1].proof), heard.reasoning[2], Reasoning("of another model"))
        said = Message("assistant", "42", reasoning=whole)
        await hear(model.stream(Context("", (Message("user", "Hi"), said, Message("user", "And?")))))
    assert server.requests[1].json["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "S1"},
        {"type": "redacted_thinking", "data": "D1"},
        {"type": "text", "text": "42"},
    ]


async def test_results_of_tools_and_new_words_are_one_message_of_the_user(providers: Providers) -> None:
    context = Context(
        "You are Arya.",
        (
            Message("user", "Look", images=(Image("image/png", b"png"),)),
            Message("assistant", calls=(ToolCall("add", {"a": 1}, "functions.add:0"), ToolCall("echo", {}, "c2"))),
            Message("tool", "2", call_id="functions.add:0", tool="add"),
            Message("tool", "", call_id="c2", tool="echo", ok=False),
            Message("user", "And?"),
        ),
        (ADD, ECHO),
    )
    async with scripted_server(Reply(anthropic_text("ok"))) as server:
        await hear(providers.connect(ModelRef("anthropic", "m", server.url)).stream(context))
    sent = server.requests[0]
    assert sent.path == "/v1/messages"
    assert sent.headers["anthropic-version"] == "2023-06-01"
    picture = {"type": "base64", "media_type": "image/png", "data": "cG5n"}
    assert sent.json["messages"] == [
        {
            "role": "user",
            "content": [{"type": "image", "source": picture}, {"type": "text", "text": "Look", "cache_control": MARK}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "functions_add_0", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "echo", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "functions_add_0", "content": "2"},
                {"type": "tool_result", "tool_use_id": "c2", "is_error": True},
                {"type": "text", "text": "And?", "cache_control": MARK},
            ],
        },
    ]
    assert sent.json["system"] == [{"type": "text", "text": "You are Arya.", "cache_control": MARK}]
    assert sent.json["max_tokens"] > 0
    assert [tool["name"] for tool in sent.json["tools"]] == ["add", "echo"]


async def test_no_more_than_four_marks_for_the_cache_are_set(providers: Providers) -> None:
    turns = [Message("user" if n % 2 == 0 else "assistant", str(n)) for n in range(21)]
    async with scripted_server(*[Reply(anthropic_text("ok"))] * 2) as server:
        model = providers.connect(ModelRef("anthropic", "m", server.url))
        await hear(model.stream(Context("System", tuple(turns), (ADD,))))
        await hear(model.stream(Context("", tuple(turns), (ADD,))))
    assert [request.body.count(b"cache_control") for request in server.requests] == [3, 3]
    assert server.requests[1].json["tools"][-1]["cache_control"] == MARK


async def test_empty_texts_are_not_sent(providers: Providers) -> None:
    context = Context("", (Message("user", " "), Message("assistant", ""), Message("user", "Hi")))
    async with scripted_server(Reply(anthropic_text("ok"))) as server:
        await hear(providers.connect(ModelRef("anthropic", "m", server.url)).stream(context))
    assert all(block["text"].strip() for turn in server.requests[0].json["messages"] for block in turn["content"])


async def test_a_refusal_and_a_cut_answer_say_so(providers: Providers) -> None:
    replies = [
        Reply(anthropic_stream(({"type": "text", "text": "No"}, ()), stop=stop)) for stop in ("refusal", "max_tokens")
    ]
    async with scripted_server(*replies) as server:
        model = providers.connect(ModelRef("anthropic", "m", server.url))
        assert (await hear(model.stream(asking("Hi")))).end.stop == "refused"
        assert (await hear(model.stream(asking("Hi")))).end.stop == "length"


async def test_one_connection_serves_many_calls(providers: Providers) -> None:
    async with scripted_server(*[Reply(anthropic_text("ok"))] * 3) as server:
        for _ in range(3):
            await hear(providers.connect(ModelRef("anthropic", "m", server.url)).stream(asking("Hi")))
    assert server.connections == 1
