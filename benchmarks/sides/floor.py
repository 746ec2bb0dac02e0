"""The floor of a durable turn: the same rows in the same four commits, by hand, handed from asyncio to one writer
thread; prints CPU seconds of a turn.

No agent, no policy, no journal to go on from: what thread, disk and JSON cost anybody. The values are real where they
cost something: times, a random key, the hash of each row's texts, the digest of what the model is shown. With a window
it loads the earlier turns and encodes them for each of its two model calls, as a program must that keeps nothing in
memory. With a URL its model is asked over HTTP, the streamed answer read by hand.
"""

import asyncio
import hashlib
import itertools
import json
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from anima.store.schema import MIGRATIONS
from benchmarks.measure import Work
from benchmarks.sides.process import WARM, given, tell

Unit = Callable[[sqlite3.Connection], Any]
Statement = tuple[str, tuple[object, ...]]

EVENT = """INSERT INTO events (id, agent, conversation, number, source, text, label, awaited, state, time, turn,
    attempts, hash) VALUES (?, 1, ?, ?, 'python', ?, ?, 1, 'running', ?, ?, 1, ?)"""
TURN = "INSERT INTO turns (id, agent, conversation, state, opened) VALUES (?, 1, ?, 'open', ?)"
STEP = """INSERT INTO steps (turn, n, kind, model, text, stop, input, output, cached, context, recipe, time, seconds,
    hash) VALUES (?, ?, 'think', 'scripted/model', ?, ?, 10, 5, 0, ?, ?, ?, 0.1, ?)"""
EFFECT = """INSERT INTO effects (turn, step, n, key, call_id, tool, arguments, class, decision, state, attempts, begun,
    seconds, hash, result_hash) VALUES (?, 1, 1, ?, 'c1', 'pay', ?, 'once', 'allow', 'intended', 1, ?, 0.0, ?, ?)"""
RESULT = """UPDATE effects SET state = 'done', finished = ?, seconds = 0.1, result = ?, label = ?, result_hash = ?
    WHERE turn = ? AND step = 1 AND n = 1"""
ANSWERED = "UPDATE events SET state = 'answered' WHERE id = ?"
CLOSED = "UPDATE turns SET state = 'closed', closed = ? WHERE id = ?"
REPLY = "INSERT INTO outbox (turn, n, state, time) VALUES (?, 0, 'sent', ?)"
EARLIER = """SELECT e.text, x.call_id, x.tool, x.arguments, x.result, s.text FROM events e
    JOIN effects x ON x.turn = e.id JOIN steps s ON s.turn = e.id AND s.n = 2
    WHERE e.agent = 1 AND e.conversation = ? AND e.number >= ? ORDER BY e.number"""

TEXT, LABEL, RESULT_LABEL = "Pay one.", '["owner",["owner"],["python"]]', '["owner",[],["tool:pay"]]'
RECIPE = "persona:" + "a" * 12 + " tools:" + "b" * 12
TOOL = {
    "type": "function",
    "function": {
        "name": "pay",
        "description": "Pay.",
        "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
}


class Writer:
    """One thread, one connection; whatever waits shares a commit."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[Unit, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(path,))
        self._thread.start()

    def do(self, unit: Unit) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        self._work.put((unit, future))
        return future

    def write(self, *statements: Statement) -> "asyncio.Future[None]":
        return self.do(lambda db: [db.execute(*statement) for statement in statements] and None)

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self, path: Path) -> None:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for migration in MIGRATIONS:
            migration(db)
        db.execute("INSERT INTO agents (id, key, name, created) VALUES (1, 'key', 'arya', 1.0)")
        while (first := self._work.get()) is not None:
            batch = [first]
            while not self._work.empty() and (more := self._work.get()) is not None:
                batch.append(more)
            db.execute("BEGIN IMMEDIATE")
            results = [(future, unit(db)) for unit, future in batch]
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_deliver, results)
        db.close()


def _deliver(results: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, result in results:
        future.set_result(result)


@dataclass(frozen=True)
class Said:
    """What the model answered: text, or the arguments of one call."""

    text: str = ""
    arguments: str = ""


Ask = Callable[[str], Awaitable[Said]]
"""Asks a model; the messages are JSON already."""


async def scripted(messages: str) -> Said:
    """A model in process."""
    return Said("One was paid.") if '"role": "tool"' in messages[-80:] else Said(arguments='{"n":1}')


def over_http(client: httpx2.AsyncClient, url: str) -> Ask:
    """A model behind a URL."""
    head = json.dumps({"model": "scripted", "stream": True, "stream_options": {"include_usage": True}, "tools": [TOOL]})
    headers = {"content-type": "application/json"}

    async def ask(messages: str) -> Said:
        text, arguments = [], []
        content = f'{head[:-1]}, "messages": {messages}}}'.encode()
        async with client.stream("POST", f"{url}/chat/completions", content=content, headers=headers) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                for choice in json.loads(line[6:])["choices"]:
                    delta = choice["delta"]
                    text.append(delta.get("content") or "")
                    arguments += [call["function"]["arguments"] for call in delta.get("tool_calls", ())]
        return Said("".join(text), "".join(arguments))

    return ask


def shown(window: int, number: int) -> int:
    """How many earlier turns turn `number` is shown: the window grows to twice its size, then is cut back to it."""
    before = number - 1
    return before if before < 2 * window else window + (before - window) % window


async def earlier(writer: Writer, conversation: str, number: int, window: int) -> list[dict[str, Any]]:
    """The turns before, as messages, from the store."""
    since = number - shown(window, number)
    rows = await writer.do(lambda db: db.execute(EARLIER, (conversation, since)).fetchall())
    messages: list[dict[str, Any]] = []
    for text, call, tool, arguments, result, answer in rows:
        messages.append({"role": "user", "content": text})
        messages += _acted(call, tool, arguments, result)
        messages.append({"role": "assistant", "content": answer})
    return messages


def _acted(call: str, tool: str, arguments: str, result: str) -> list[dict[str, Any]]:
    asked = {"id": call, "type": "function", "function": {"name": tool, "arguments": arguments}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": call, "content": result},
    ]


def hashed(*texts: str) -> bytes:
    """The hash of what a row says."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).digest()


def step(turn: int, n: int, said: Said, shown: str) -> Statement:
    """The row of one model call."""
    stop, context = "calls" if said.arguments else "end", hashlib.sha256(shown.encode()).hexdigest()
    hash = hashed(str(n), said.text, "", "scripted/model", context, RECIPE, "think", stop)
    return STEP, (turn, n, said.text, stop, context, RECIPE, time.time(), hash)


async def turn(writer: Writer, ask: Ask, id: int, conversation: str, number: int, window: int) -> None:
    """The four commits of a turn with one tool call."""
    event = (id, conversation, number, TEXT, LABEL, time.time(), id, hashed(TEXT, "", LABEL))
    await writer.write((EVENT, event))
    messages = await earlier(writer, conversation, number, window) if window else []
    messages.append({"role": "user", "content": TEXT})
    shown = json.dumps(messages)
    said = await ask(shown)
    key, now = secrets.token_hex(13), time.time()
    hash = hashed("1", "1", "pay", said.arguments, "", key, "c1", "once")
    intent = (EFFECT, (id, key, said.arguments, now, hash, hashed("", "")))
    await writer.write((TURN, (id, conversation, now)), step(id, 1, said, shown), intent)
    result = f"paid {json.loads(said.arguments)['n']}"
    await writer.write((RESULT, (time.time(), result, RESULT_LABEL, hashed(result, RESULT_LABEL), id)))
    messages += _acted("c1", "pay", said.arguments, result)
    shown = json.dumps(messages)
    last, now = step(id, 2, await ask(shown), shown), time.time()
    await writer.write(last, (ANSWERED, (id,)), (CLOSED, (now, id)), (REPLY, (id, now)))


async def main(work: Work) -> None:
    ids = itertools.count(1)
    writer = Writer(Path(work.folder) / "floor.db")
    async with httpx2.AsyncClient(trust_env=False) as client:
        ask = over_http(client, work.url) if work.url else scripted

        async def lane(turns: range) -> None:
            for n in turns:
                id = next(ids)
                await turn(writer, ask, id, "c" if work.window else f"c{id}", n if work.window else 1, work.window)

        await lane(range(1, 1 + WARM))
        cpu = time.process_time()
        await lane(range(1 + WARM, 1 + WARM + work.turns))
        tell(cpu=(time.process_time() - cpu) / work.turns)
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(given()))
