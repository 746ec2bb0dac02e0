"""The floor of a durable turn: the same rows in the same four commits, by hand, handed from asyncio to one writer
thread. No agent, no loop, no policy: what the disk and the thread alone cost.

Usage: python -m benchmarks.floor TURNS AT_A_TIME
"""

import asyncio
import itertools
import json
import queue
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

from anima.store.schema import MIGRATIONS
from benchmarks.measure import on_tmpfs, tell

Statements = list[tuple[str, tuple[object, ...]]]

EVENT = """INSERT INTO events (id, agent, conversation, number, source, text, label, awaited, state, time, turn, attempts)
    VALUES (?, 1, ?, ?, 'python', ?, ?, 1, 'running', 1.0, ?, 1)"""
TURN = "INSERT INTO turns (id, agent, conversation, state, opened) VALUES (?, 1, ?, 'open', 1.0)"
STEP = """INSERT INTO steps (turn, n, kind, model, text, stop, input, output, cached, context, recipe, time, seconds)
    VALUES (?, ?, 'think', 'scripted/model', ?, ?, 10, 5, 0, ?, ?, 1.0, 0.1)"""
EFFECT = """INSERT INTO effects (turn, step, n, key, call_id, tool, arguments, class, decision, state, attempts, begun,
    seconds) VALUES (?, 1, 1, ?, 'c1', 'pay', '{"n":1}', 'once', 'allow', 'intended', 1, 1.0, 0.0)"""
RESULT = """UPDATE effects SET state = 'done', finished = 2.0, seconds = 0.1, result = 'paid', label = ?
    WHERE turn = ? AND step = 1 AND n = 1"""
ANSWERED = "UPDATE events SET state = 'answered' WHERE id = ?"
CLOSED = "UPDATE turns SET state = 'closed', closed = 2.0 WHERE id = ?"
REPLY = "INSERT INTO outbox (turn, n, state, time) VALUES (?, 0, 'sent', 2.0)"
LABEL, DIGEST, RECIPE = '["owner",["owner"],["python"]]', "d" * 64, "persona:" + "a" * 12 + " tools:" + "b" * 12


class Writer:
    """One thread, one connection; whatever waits shares a commit."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[Statements, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(path,))
        self._thread.start()

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> "asyncio.Future[None]":
        future = self._loop.create_future()
        self._work.put((list(statements), future))
        return future

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self, path: Path) -> None:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for migration in MIGRATIONS:
            migration(db)
        db.execute("INSERT INTO agents VALUES (1, 'key', 'arya', 1.0)")
        while (first := self._work.get()) is not None:
            batch = [first]
            while not self._work.empty() and (more := self._work.get()) is not None:
                batch.append(more)
            db.execute("BEGIN IMMEDIATE")
            for statements, _ in batch:
                for statement, values in statements:
                    db.execute(statement, values)
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_done, [future for _, future in batch])
        db.close()


def _done(futures: list["asyncio.Future[None]"]) -> None:
    for future in futures:
        future.set_result(None)


async def turn(writer: Writer, id: int, conversation: str, number: int) -> None:
    """The four commits of a turn with one tool call."""
    await writer.write((EVENT, (id, conversation, number, "pay one", LABEL, id)))
    intent = (EFFECT, (id, "k" * 26))
    await writer.write((TURN, (id, conversation)), (STEP, (id, 1, "", "calls", DIGEST, RECIPE)), intent)
    await writer.write((RESULT, (LABEL, id)))
    last = (STEP, (id, 2, "done", "end", DIGEST, RECIPE))
    await writer.write(last, (ANSWERED, (id,)), (CLOSED, (id,)), (REPLY, (id,)))


async def conversation(writer: Writer, turns: int, window: int) -> None:
    """One conversation of many turns, its context encoded anew for both model calls of each."""
    messages: list[dict[str, object]] = []
    for number in range(1, turns + 1):
        messages.append({"role": "user", "content": "pay one"})
        json.dumps(messages)
        call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"n":1}'}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "c1", "content": "paid"})
        json.dumps(messages)
        messages.append({"role": "assistant", "content": "done"})
        await turn(writer, number, "python:main", number)
        if len(messages) >= 8 * window:
            messages = messages[-4 * window :]


async def main(turns: int, at_a_time: int, window: int) -> None:
    with tempfile.TemporaryDirectory(dir=on_tmpfs()) as folder:
        writer = Writer(Path(folder) / "floor.db")
        ids = itertools.count(1)

        async def lane(place: int) -> None:
            for number in range(turns // at_a_time):
                await turn(writer, next(ids), f"c{place}-{number}" if at_a_time == 1 else f"c{place}", number + 1)

        started = time.process_time()
        if window:
            await conversation(writer, turns, window)
        else:
            await asyncio.gather(*map(lane, range(at_a_time)))
        cpu = time.process_time() - started
        writer.close()
    tell(cpu=cpu / turns)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
