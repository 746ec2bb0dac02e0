"""How long the event loop stands still while the `openai` adapter encodes and sends 400 messages; prints milliseconds.

`cold`: no message was ever sent before; `warm`: all were. Each is the median of several calls' longest gaps between
two rounds of the loop; the digest that a step keeps of its context is in it. `floor` is one `json.dumps` of the same
messages, which any program stands still for.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from anima import Context
from anima.clock import SystemClock
from anima.models.model import Model
from anima.models.providers import Providers
from anima.settings import ModelRef
from anima.vocabulary import Message, ToolCall
from benchmarks.measure import Work
from benchmarks.sides.process import given, tell

TURNS, CALLS = 100, 9
TEXT = "The quick brown fox jumps over the lazy dog, and says “naïve” of it. " * 5


def history() -> list[Message]:
    """A hundred turns of four messages, none of them sent before."""
    messages: list[Message] = []
    for n in range(TURNS):
        call = ToolCall("pay", {"n": n, "note": TEXT[:60]}, f"c{n}")
        messages += [Message("user", TEXT), Message("assistant", calls=(call,))]
        messages += [Message("tool", TEXT, call_id=call.id, tool="pay"), Message("assistant", TEXT)]
    return messages


async def longest_gap(model: Model, messages: Sequence[Message]) -> float:
    """Seconds between two rounds of the loop, at worst, during one call."""
    gaps = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    context = Context("Pay what is due.", (*messages, Message("user", "Pay one.")))
    async for _ in model.stream(context):
        pass
    _ = context.digest
    await asyncio.sleep(0)
    ticking.cancel()
    return max(gaps)


def by_hand(messages: Sequence[Message]) -> float:
    """Seconds of encoding these messages in one piece."""
    plain = [{"role": message.role, "content": message.text} for message in messages]
    started = time.perf_counter()
    json.dumps(plain).encode()
    return time.perf_counter() - started


async def main(work: Work) -> None:
    async with Providers(SystemClock(), Path(work.folder)) as providers:
        model = providers.connect(ModelRef("openai", "scripted", base_url=work.url))
        await longest_gap(model, history()[:4])
        cold = [await longest_gap(model, history()) for _ in range(CALLS)]
        known = history()
        await longest_gap(model, known)
        warm = [await longest_gap(model, known) for _ in range(CALLS)]
    floor = [by_hand(known) for _ in range(CALLS)]
    tell(**{name: statistics.median(gaps) * 1e3 for name, gaps in [("cold", cold), ("warm", warm), ("floor", floor)]})


if __name__ == "__main__":
    asyncio.run(main(given()))
