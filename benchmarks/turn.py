"""A durable turn with one tool call, by the runtime itself: a scripted model in process.

Usage: python -m benchmarks.turn TURNS AT_A_TIME FOLDER [grow]

Prints CPU seconds, bytes and commits of a turn; with `grow` all turns are one conversation, and bytes and memory are
told for its early and late turns.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from anima import Agent, Context, Runtime, tool
from anima.testing import Answer, ScriptedModel, ToolCall
from benchmarks.measure import memory, tell, written


@tool(result="trusted")
async def pay(n: int) -> str:
    """Pay."""
    return f"paid {n}"


def think(context: Context) -> Answer:
    """One call, then the answer."""
    return Answer("done") if context.messages[-1].role == "tool" else Answer(calls=[ToolCall("pay", {"n": 1}, "c1")])


class Forgetful(ScriptedModel):
    """Keeps no context, so that memory is the runtime's own."""

    def _next(self, context: Context) -> Answer:
        self.contexts.clear()
        return think(context)


async def main(turns: int, at_a_time: int, folder: Path, grow: bool) -> None:
    agent = Agent("arya", model=Forgetful(think), tools=[pay], parallel=max(4, at_a_time))
    async with Runtime(folder / "home", [agent]) as runtime:
        await runtime.ask("arya", "pay one", conversation="warm")
        commits, started = runtime.store.commits, time.process_time()
        sizes: list[int] = []
        rss: list[float] = []

        async def lane(place: int) -> None:
            for number in range(turns // at_a_time):
                before = written()
                same = grow or at_a_time > 1
                await runtime.ask("arya", "pay one", conversation=f"c{place}" if same else f"c{place}-{number}")
                sizes.append(written() - before)
                if grow and number % 500 == 499:
                    rss.append(memory())

        await asyncio.gather(*map(lane, range(at_a_time)))
        cpu = time.process_time() - started
        commits = runtime.store.commits - commits
    early, late = sizes[5:55], sizes[-50:]
    growth = statistics.median(late) / statistics.median(early)
    tell(cpu=cpu / turns, commits=commits / turns, growth=growth, memory=rss[-1] - rss[1] if len(rss) > 2 else 0.0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as place:
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(place), "grow" in sys.argv))
