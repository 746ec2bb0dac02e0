"""The runtime itself doing turns with one tool call each; prints CPU seconds of a turn."""

import asyncio
import time

from anima import Agent, Context, Runtime, tool
from anima.settings import ModelRef, ThinkSettings
from anima.testing import Answer, ScriptedModel, ToolCall
from benchmarks.measure import Work
from benchmarks.sides.process import WARM, given, tell


@tool(result="trusted")
async def pay(n: int) -> str:
    """Pay."""
    return f"paid {n}"


class Scripted(ScriptedModel):
    """One call, then the answer. Keeps no context, so that memory is the runtime's own."""

    def __init__(self) -> None:
        super().__init__(self._say)

    def _say(self, context: Context) -> Answer:
        self.contexts.clear()
        done = context.messages[-1].role == "tool" or context.purpose == "summary"
        return Answer("One was paid.") if done else Answer(calls=[ToolCall("pay", {"n": 1}, "c1")])


def agents(work: Work) -> list[Agent]:
    """As many as the work wants, each with its share of the lanes."""
    model = ModelRef("openai", "scripted", base_url=work.url) if work.url else Scripted()
    think = ThinkSettings(history_turns=work.window or 20)
    each = work.lanes // work.agents
    return [Agent(f"a{n}", model=model, tools=[pay], think=think, parallel=each) for n in range(work.agents)]


async def lane(runtime: Runtime, place: int, turns: range, work: Work) -> None:
    """Work off one lane, one turn after the other."""
    alone = work.lanes == 1 and not work.window
    for n in turns:
        conversation = f"c{place}.{n}" if alone else f"c{place}"
        await runtime.ask(f"a{place % work.agents}", "Pay one.", conversation=conversation)


async def main(work: Work) -> None:
    each, lanes = work.turns // work.lanes, range(work.lanes)
    async with Runtime(f"{work.folder}/home", agents(work)) as runtime:
        await asyncio.gather(*(lane(runtime, place, range(-WARM, 0), work) for place in lanes))
        cpu = time.process_time()
        await asyncio.gather(*(lane(runtime, place, range(each), work) for place in lanes))
        cpu = time.process_time() - cpu
    tell(cpu=cpu / work.turns)


if __name__ == "__main__":
    asyncio.run(main(given()))
