"""The `openai` adapter: what it sends, and what it makes of each kind of answer."""

from anima.models.providers import Providers
from anima.settings import ModelRef, Price
from anima.vocabulary import Context, Image, Message, Reasoning, ToolCall, Usage
from tests.models.hearing import ADD, ECHO, asking, hear
from tests.models.scripted_server import Reply, events, openai_stream, scripted_server

USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}


def call_delta(index: int | None, id: str, name: str, arguments: object) -> dict[str, object]:
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [call if index is None else {"index": index, **call}]}


async def test_text_comes_piece_by_piece_with_usage_at_the_end(providers: Providers) -> None:
    reply = Reply(
        openai_stream({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}, usage=USAGE)
    )
    async with scripted_server(reply) as server:
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("Hi")))
    assert heard.texts == ["Hel", "lo"]
    assert heard.end.stop == "end"
    assert heard.end.model == "openai/m"
    assert heard.end.usage == Usage(100, 10, 60)


async def test_parallel_calls_are_each_told_once_and_whole(providers: Providers) -> None:
    reply = Reply(
        openai_stream(
            call_delta(0, "c1", "add", '{"a": 1,'),
            {"tool_calls": [{"index": 0, "function": {"arguments": ' "b": 2}'}}]},
            call_delta(1, "c2", "echo", '{"text": "x"}'),
            finish="tool_calls",
        )
    )
    async with scripted_server(reply) as server:
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("Hi", ADD, ECHO)))
    assert heard.calls == [ToolCall("add", {"a": 1, "b": 2}, "c1"), ToolCall("echo", {"text": "x"}, "c2")]
    assert heard.end.stop == "calls"


async def test_calls_of_servers_that_give_no_index_or_always_zero_stay_apart(providers: Providers) -> None:
    without = openai_stream(call_delta(None, "c1", "add", "{}"), call_delta(None, "c2", "echo", "{}"))
    zero = openai_stream(call_delta(0, "c1", "add", "{}"), call_delta(0, "c2", "echo", "{}"))
    nameless = openai_stream(call_delta(None, "", "add", {"a": 1}), call_delta(None, "", "add", {"a": 2}))
    async with scripted_server(Reply(without), Reply(zero), Reply(nameless)) as server:
        model = providers.connect(ModelRef("openai", "m", server.url))
        for _ in range(2):
            heard = await hear(model.stream(asking("Hi", ADD, ECHO)))
            assert [(call.id, call.name) for call in heard.calls] == [("c1", "add"), ("c2", "echo")]
            assert heard.end.stop == "calls"
        heard = await hear(model.stream(asking("Hi", ADD)))
    assert heard.calls == [ToolCall("add", {"a": 1}), ToolCall("add", {"a": 2})]


async def test_arguments_that_are_no_json_object_are_kept_as_they_came(providers: Providers) -> None:
    broken = ['{"a": 1', "[1, 2]", '{"a": NaN}', "[" * 100_000]
    async with scripted_server(*(Reply(openai_stream(call_delta(0, "c", "add", text))) for text in broken)) as server:
        model = providers.connect(ModelRef("openai", "m", server.url))
        for text in broken:
            heard = await hear(model.stream(asking("Hi", ADD)))
            assert heard.calls == [ToolCall("add", {}, "c", unparsed=text)]


async def test_every_role_is_sent_in_its_own_shape(providers: Providers) -> None:
    context = Context(
        "You are Arya.",
        (
            Message("user", "Look", images=(Image("image/png", b"png"),)),
            Message(
                "assistant",
                calls=(ToolCall("add", {"a": 1}, "c1"), ToolCall("echo", {}, "c2", unparsed="{")),
                reasoning=(Reasoning("hm", "signed by another"),),
            ),
            Message("tool", "2", call_id="c1", tool="add"),
            Message("tool", "that was no JSON", call_id="c2", tool="echo", ok=False),
            Message("user", "ünd?"),
        ),
        (ADD,),
        max_output=50,
    )
    async with scripted_server(Reply(openai_stream({"content": "ok"}))) as server:
        await hear(providers.connect(ModelRef("openai", "m", server.url, temperature=0.5)).stream(context))
    sent = server.requests[0].json
    assert server.requests[0].path == "/chat/completions"
    assert sent["messages"] == [
        {"role": "system", "content": "You are Arya."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "function", "function": {"name": "echo", "arguments": '{"unparsed":"{"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "tool", "tool_call_id": "c2", "content": "that was no JSON"},
        {"role": "user", "content": "ünd?"},
    ]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["add"]
    assert (sent["max_tokens"], sent["temperature"], sent["stream"]) == (50, 0.5, True)


async def test_the_prefix_of_a_growing_conversation_stays_the_same_bytes(providers: Providers) -> None:
    first = asking("Hi", ADD)
    longer = Context(
        first.system, (*first.messages, Message("assistant", "Hello"), Message("user", "More")), first.tools
    )
    async with scripted_server(*[Reply(openai_stream({"content": "ok"}))] * 2) as server:
        model = providers.connect(ModelRef("openai", "m", server.url))
        await hear(model.stream(first))
        await hear(model.stream(longer))
    one, two = (request.body for request in server.requests)
    shared = one.index(b'],"tools"')
    assert one[:shared] == two[:shared]


async def test_one_connection_serves_many_calls(providers: Providers) -> None:
    async with scripted_server(*[Reply(openai_stream({"content": "ok"}, usage=USAGE))] * 5) as server:
        for name in ("m", "n", "m", "n", "m"):
            await hear(providers.connect(ModelRef("openai", name, server.url)).stream(asking("Hi")))
    assert server.connections == 1


async def test_thoughts_are_told_apart_from_the_answer(providers: Providers) -> None:
    deltas = ({"reasoning_content": "hm"}, {"reasoning": ", yes"}, {"content": "42"})
    async with scripted_server(Reply(openai_stream(*deltas))) as server:
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("Hi")))
    assert heard.reasoning == [Reasoning("hm"), Reasoning(", yes")]
    assert heard.text == "42"


async def test_a_filtered_and_a_cut_answer_say_so(providers: Providers) -> None:
    filtered = Reply(openai_stream({"refusal": "I can't."}, finish="content_filter"))
    cut = Reply(openai_stream({"content": "and then"}, finish="length"))
    async with scripted_server(filtered, cut) as server:
        model = providers.connect(ModelRef("openai", "m", server.url))
        heard = await hear(model.stream(asking("Hi")))
        assert (heard.text, heard.end.stop) == ("I can't.", "refused")
        heard = await hear(model.stream(asking("Hi")))
        assert (heard.text, heard.end.stop) == ("and then", "length")


async def test_half_a_surrogate_pair_cannot_get_in(providers: Providers) -> None:
    lone = b'data: {"choices":[{"delta":{"content":"a\\ud83dz \\ud83d\\ude00"},"finish_reason":"stop"}]}\n\n'
    call = call_delta(0, "c", "echo", '{"text": "\\ud83d"}')
    async with scripted_server(Reply([lone]), Reply(openai_stream(call))) as server:
        model = providers.connect(ModelRef("openai", "m", server.url))
        assert (await hear(model.stream(asking("Hi")))).text == "a?z 😀"
        assert (await hear(model.stream(asking("Hi")))).calls[0].arguments == {"text": "?"}


async def test_a_price_in_the_settings_counts_cached_input_apart(providers: Providers) -> None:
    async with scripted_server(Reply(openai_stream({"content": "ok"}, usage=USAGE))) as server:
        ref = ModelRef("openai", "m", server.url, price=Price(10.0, 100.0, 1.0))
        heard = await hear(providers.connect(ref).stream(asking("Hi")))
    assert heard.end.usage.dollars == (40 * 10 + 60 * 1 + 10 * 100) / 1e6


async def test_comments_and_names_of_events_and_odd_line_ends_are_passed_over(providers: Providers) -> None:
    whole = b"".join(
        [b": keep-alive\r\n\r\n", b"id: 7\r\nevent: x\r\n", *events({"choices": [{"delta": {"content": "ok"}}]})]
    )
    end = b'data:{"choices":[{"delta":{},"finish_reason":"stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n'
    one_by_one = [bytes([byte]) for byte in whole + end]
    async with scripted_server(Reply(one_by_one)) as server:
        heard = await hear(providers.connect(ModelRef("openai", "m", server.url)).stream(asking("Hi")))
    assert heard.text == "ok"
