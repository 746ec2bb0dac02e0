"""Trying again and asking the next: how often, how long apart, and what it ends with when nobody answers."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import pytest

from anima.errors import BadKey, ContextTooLong, MalformedAnswer, ModelError, NoModelReachable, RateLimited, Unreachable
from anima.models.fallback import FallbackModel
from anima.settings import RetrySettings
from anima.testing import FakeClock
from anima.vocabulary import Chunk, Context, Fallback, Finish, Retry, Text, Usage
from tests.models.hearing import asking, hear

DOWN = Unreachable("down", "start it")
RETRY = RetrySettings(max_retries=3, initial_delay_ms=100, max_delay_ms=350, exponential_base=2.0)


class Moody:
    """A model that fails as often as scripted, having said half an answer, then answers."""

    def __init__(self, name: str, moods: Sequence[ModelError | None]) -> None:
        self.name = name
        self.moods = list(moods)
        self.asked = 0
        self.closed = 0

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        self.asked += 1
        try:
            yield Text("ha")
            mood = self.moods.pop(0) if self.moods else None
            if mood is not None:
                raise mood
            yield Text("lf")
            yield Finish("end", Usage(), self.name)
        finally:
            self.closed += 1


async def play(model: FallbackModel, clock: FakeClock) -> list[Chunk]:
    """Everything it says, the clock turned whenever it waits."""

    async def listen() -> list[Chunk]:
        return [chunk async for chunk in model.stream(asking("Hi"))]

    listening = asyncio.create_task(listen())
    while not listening.done():
        await clock.advance(0.01)
    return await listening


async def test_a_model_that_answers_is_simply_heard() -> None:
    first, second = Moody("a/1", []), Moody("b/2", [])
    heard = await hear(FallbackModel([first, second], RETRY, FakeClock()).stream(asking("Hi")))
    assert (heard.text, heard.end.model, heard.others, second.asked) == ("half", "a/1", [], 0)


async def test_each_try_waits_longer_up_to_the_bound_and_says_so() -> None:
    clock = FakeClock()
    chunks = await play(FallbackModel([Moody("a/1", [DOWN] * 3)], RETRY, clock), clock)
    retries = [chunk for chunk in chunks if isinstance(chunk, Retry)]
    assert [retry.attempt for retry in retries] == [1, 2, 3]
    assert [retry.delay for retry in retries] == pytest.approx([0.075, 0.150, 0.2625])
    assert {(retry.model, retry.error) for retry in retries} == {("a/1", "down")}
    assert clock.monotonic() >= 0.48
    after = chunks[chunks.index(retries[-1]) + 1 :]
    assert after == [Text("ha"), Text("lf"), Finish("end", Usage(), "a/1")]


async def test_then_the_next_model_is_asked() -> None:
    clock = FakeClock()
    first, second = Moody("a/1", [DOWN] * 4), Moody("b/2", [])
    chunks = await play(FallbackModel([first, second], RETRY, clock), clock)
    assert (first.asked, second.asked) == (4, 1)
    assert Fallback("a/1", "down", "b/2") in chunks
    assert chunks[-1] == Finish("end", Usage(), "b/2")


@pytest.mark.parametrize("error", [BadKey("no"), ContextTooLong("long")])
async def test_what_cannot_succeed_is_never_tried_again(error: ModelError) -> None:
    first, second = Moody("a/1", [error]), Moody("b/2", [])
    heard = await hear(FallbackModel([first, second], RETRY, FakeClock()).stream(asking("Hi")))
    assert (first.asked, heard.end.model) == (1, "b/2")


async def test_a_malformed_answer_is_tried_again() -> None:
    clock = FakeClock()
    chunks = await play(FallbackModel([Moody("a/1", [MalformedAnswer("?")])], RETRY, clock), clock)
    assert chunks[-1] == Finish("end", Usage(), "a/1")


async def test_a_provider_that_asks_to_wait_is_given_that_time() -> None:
    clock = FakeClock()
    slow = RateLimited("slow down", retry_after=7.0)
    chunks = await play(FallbackModel([Moody("a/1", [slow])], RETRY, clock), clock)
    [retry] = [chunk for chunk in chunks if isinstance(chunk, Retry)]
    assert 7.0 <= retry.delay <= 7.05


async def test_a_provider_that_asks_for_more_than_a_minute_is_left_for_the_next() -> None:
    busy = RateLimited("come back tomorrow", retry_after=3600.0)
    first, second = Moody("a/1", [busy]), Moody("b/2", [])
    heard = await hear(FallbackModel([first, second], RETRY, FakeClock()).stream(asking("Hi")))
    assert (first.asked, heard.end.model) == (1, "b/2")


async def test_when_nobody_can_be_reached_the_task_is_nobodys_failure() -> None:
    clock = FakeClock()
    busy = RateLimited("busy", retry_after=90.0)
    models = [Moody("a/1", [DOWN] * 4), Moody("b/2", [busy] * 4)]
    with pytest.raises(NoModelReachable, match=r"down; busy") as caught:
        await play(FallbackModel(models, RETRY, clock), clock)
    assert caught.value.exit_status == 3
    assert caught.value.retry_after == 90.0
    assert caught.value.hint == "start it"


async def test_one_error_about_the_call_itself_is_the_one_that_is_told() -> None:
    clock = FakeClock()
    models = [Moody("a/1", [DOWN] * 4), Moody("b/2", [BadKey("wrong key")])]
    with pytest.raises(BadKey, match="wrong key"):
        await play(FallbackModel(models, RETRY, clock), clock)


async def test_no_retries_means_one_try() -> None:
    model = Moody("a/1", [DOWN])
    with pytest.raises(NoModelReachable):
        await hear(FallbackModel([model], RetrySettings(max_retries=0), FakeClock()).stream(asking("Hi")))
    assert model.asked == 1


async def test_whoever_stops_listening_stops_the_model_too() -> None:
    model = Moody("a/1", [])
    stream = FallbackModel([model], RETRY, FakeClock()).stream(asking("Hi"))
    await anext(stream)
    await stream.aclose()
    assert model.closed == 1


async def test_cancelling_during_a_wait_ends_it() -> None:
    waiting = asyncio.create_task(hear(FallbackModel([Moody("a/1", [DOWN])], RETRY, FakeClock()).stream(asking("Hi"))))
    for _ in range(20):
        await asyncio.sleep(0)
    assert waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()
