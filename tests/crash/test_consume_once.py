"""Consume-once: eight processes reach for the same event, or answer the same question, and one of them does."""

import subprocess
import sys
from pathlib import Path

from anima.clock import SystemClock
from anima.store import Store
from anima.vocabulary import OWNER, Effect, EffectState, NewEvent, Step, Usage

TAKER = """
import asyncio, sys
from pathlib import Path
from anima.clock import SystemClock
from anima.store import Store

async def take():
    store = await Store.open(Path(sys.argv[1]), SystemClock())
    await store.adopt("arya")
    print("ready", flush=True)
    sys.stdin.read()
    taken = [event.text for _ in range(8) if (event := await store.claim("arya", "cli:main")) is not None]
    print(",".join(taken), flush=True)
    await store.aclose()

asyncio.run(take())
"""


ANSWERER = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
from anima.clock import SystemClock
from anima.store import Store
from anima.vocabulary import EffectState

async def answer():
    store = await Store.open(Path(sys.argv[1]), SystemClock())
    call = (await store.load("t1")).effects[0]
    print("ready", flush=True)
    sys.stdin.read()
    mine = replace(call, state=EffectState.DONE, finished=1.0, result=f"answer of {os.getpid()}")
    print((await store.stop_waiting(call, mine)).result, flush=True)
    await store.aclose()

asyncio.run(answer())
"""


def _start(path: Path, program: str = TAKER) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_eight_processes_take_an_event_once(tmp_path: Path) -> None:
    path = tmp_path / "anima.db"
    store = await Store.open(path, SystemClock())
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:main", "the one", OWNER))
    await store.post(NewEvent("arya", "cli:main", "the next", OWNER))
    await store.aclose()
    said = _race([_start(path) for _ in range(8)])
    assert [text for line in said for text in line.split(",") if text] == ["the one"]


async def test_eight_processes_answer_a_question_once(tmp_path: Path) -> None:
    path = tmp_path / "anima.db"
    store = await Store.open(path, SystemClock())
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:main", "ask", OWNER), claim=True)
    turn = await store.load("t1")
    call = Effect("t1.1.1", "key", "c", "ask_agent", {}, "internal", "allow", EffectState.WAITING, begun=1.0)
    await store.write_step(turn, Step(1, "m", "", Usage(), "calls", "digest", 1.0, 0.1, effects=(call,)), ())
    await store.aclose()
    said = _race([_start(path, ANSWERER) for _ in range(8)])
    assert len(set(said)) == 1
    store = await Store.open(path, SystemClock())
    assert (await store.load("t1")).effects[0].result == said[0]
    await store.aclose()


def _race(programs: list[subprocess.Popen[str]]) -> list[str]:
    """Let all go at once; what each says."""
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.close()
    said = []
    for program in programs:
        assert program.stdout is not None
        said.append(program.stdout.readline().strip())
        program.stdout.close()
        assert program.wait(30) == 0
    return said
