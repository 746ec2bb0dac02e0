"""The program that is killed: a home with one agent, worked on until its one event is answered.

Usage: program.py HOME LEDGER. Every model call and every effect is a line of LEDGER before it returns, as the world
outside would see it; the ledger outlives the process.
"""

import asyncio
import os
import sys
from pathlib import Path

from anima import Agent, Call, Runtime, tool
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context

HOME, LEDGER = Path(sys.argv[1]), Path(sys.argv[2])


def note(line: str) -> None:
    """One line that is not lost with this process."""
    with LEDGER.open("a") as ledger:
        ledger.write(line + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())


@tool(effect="read", result="trusted")
async def look(n: int) -> str:
    """Look."""
    note(f"look {n}")
    return f"saw {n}"


@tool(effect="idempotent", result="trusted")
async def put(n: int, call: Call) -> str:
    """Put."""
    note(f"put {n} {call.effect_key}")
    return f"put {n}"


@tool(result="trusted")
async def pay(n: int) -> str:
    """Pay."""
    note(f"pay {n}")
    return f"paid {n}"


STEPS = [
    Answer(calls=[ToolCall("look", {"n": 1}, "a"), ToolCall("look", {"n": 2}, "b")]),
    Answer(calls=[ToolCall("put", {"n": 1}, "c"), ToolCall("pay", {"n": 1}, "d"), ToolCall("pay", {"n": 2}, "e")]),
    Answer(calls=[ToolCall("pay", {"n": 3}, "f")]),
    Answer("all done"),
]


def think(context: Context) -> Answer:
    """The next step, by how many came before it."""
    said = sum(message.role == "assistant" for message in context.messages)
    note(f"model {said + 1}")
    return STEPS[said]


async def main() -> None:
    agent = Agent("arya", model=ScriptedModel(think), tools=[look, put, pay])
    async with Runtime(HOME, [agent]) as runtime:
        event = await runtime.post("arya", "do it all", id="task-1")
        while (kept := await runtime.store.event(event)) is None or kept.state not in ("answered", "dead"):
            await asyncio.sleep(0.001)


asyncio.run(main())
