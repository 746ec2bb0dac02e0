"""Watching: everybody sees what happens, nobody can hold it up, and the metrics count it."""

import asyncio

from anima.testing import Answer, ToolCall
from anima.vocabulary import Closed, Progress, TurnOpened
from tests.fakes import Home


async def test_watchers_see_every_turn_and_may_leave(home: Home) -> None:
    async with home.live(["one", "two"]) as runtime:
        seen: list[str] = []

        async def watch() -> None:
            async for news in runtime.watch("arya"):
                seen.append(news.type)
                if isinstance(news, Closed):
                    return

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await runtime.ask("arya", "hi")
        await watching
        await runtime.ask("arya", "again")
    assert (seen[0], seen[-1]) == ("turn_opened", "closed")


async def test_a_watcher_that_never_looks_costs_the_turn_nothing(home: Home) -> None:
    async with home.live(lambda context: "x" * 50) as runtime:
        watching = runtime.watch("arya")

        async def look_once() -> Progress:
            return await anext(watching)

        first = asyncio.create_task(look_once())
        await asyncio.sleep(0)
        for n in range(30):
            await runtime.ask("arya", "hi", conversation=f"c:{n}")
        assert isinstance(await first, TurnOpened)
        await watching.aclose()  # type: ignore[attr-defined]


async def test_metrics_count_turns_steps_and_calls_by_outcome(home: Home) -> None:
    script = [Answer(calls=[ToolCall("pay", {"n": 1}), ToolCall("pay", {"n": -1})]), "done"]
    async with home.live(script) as runtime:
        await runtime.ask("arya", "pay")
        report = runtime.metrics.report().splitlines()
    assert 'anima_turns{state="closed"} 1' in report
    assert 'anima_tool_calls{tool="pay",state="done"} 1' in report
    assert 'anima_tool_calls{tool="pay",state="failed"} 1' in report
    assert "anima_steps 2" in report
    assert "anima_tokens_input 20" in report


async def test_whoever_watches_comes_to_an_end_with_the_runtime(home: Home) -> None:
    async with home.live(["hi"]) as runtime:
        watching = runtime.watch()
        await runtime.ask("arya", "hello")
    seen = [news.type async for news in watching]
    assert (seen[0], seen[-1]) == ("turn_opened", "closed")
