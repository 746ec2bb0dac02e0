"""What every Model keeps. Import it to test yours: one function a promise, each handed a model that will answer."""

from collections.abc import AsyncGenerator

from anima.models.model import Model
from anima.vocabulary import Context, Fallback, Finish, Message, Reasoning, Retry, Text, ToolCall, ToolSpec

ADD = ToolSpec(
    "add",
    "Add two numbers.",
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
)
TALK = Context("Be brief.", (Message("user", "Count from one to three in words."),), max_output=32)
CALL = Context("Use the tool.", (Message("user", "What is 17 + 25? Use the add tool."),), (ADD,), max_output=64)


async def answers_in_text_and_ends_with_one_finish(model: Model) -> None:
    """Text comes in pieces, none of them empty; a Finish is last and there is no other."""
    chunks = [chunk async for chunk in model.stream(TALK)]
    assert all(isinstance(chunk, (Text, Reasoning, Finish)) for chunk in chunks)
    texts = [chunk.text for chunk in chunks if isinstance(chunk, Text)]
    assert texts
    assert all(texts)
    assert [chunk for chunk in chunks if isinstance(chunk, Finish)] == chunks[-1:]


async def says_who_answered_and_what_it_cost(model: Model) -> None:
    """The Finish names `provider/model` and counts tokens; cached ones are part of the input."""
    *_, finish = [chunk async for chunk in model.stream(TALK)]
    assert isinstance(finish, Finish)
    assert finish.stop in ("end", "length")
    assert "/" in finish.model
    assert finish.usage.input > 0
    assert finish.usage.output > 0
    assert 0 <= finish.usage.cached <= finish.usage.input


async def tells_a_call_once_and_whole(model: Model) -> None:
    """A call comes complete, its arguments an object, and the Finish says that calls are why it stopped."""
    chunks = [chunk async for chunk in model.stream(CALL)]
    calls = [chunk for chunk in chunks if isinstance(chunk, ToolCall)]
    assert [(call.name, dict(call.arguments), call.unparsed) for call in calls] == [("add", {"a": 17, "b": 25}, None)]
    assert isinstance(chunks[-1], Finish)
    assert chunks[-1].stop == "calls"
    assert not any(isinstance(chunk, (Retry, Fallback)) for chunk in chunks)


async def answers_the_same_context_again(model: Model) -> None:
    """It keeps nothing between calls that a context does not hold."""
    first = [chunk async for chunk in model.stream(TALK)]
    again = [chunk async for chunk in model.stream(TALK)]
    assert type(first[-1]) is type(again[-1]) is Finish


async def can_be_left_in_the_middle(model: Model) -> None:
    """A stream that is closed early does no harm to the next."""
    stream = model.stream(TALK)
    await anext(stream)
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
    *_, finish = [chunk async for chunk in model.stream(TALK)]
    assert isinstance(finish, Finish)


PROMISES = (
    answers_in_text_and_ends_with_one_finish,
    says_who_answered_and_what_it_cost,
    tells_a_call_once_and_whole,
    answers_the_same_context_again,
    can_be_left_in_the_middle,
)
