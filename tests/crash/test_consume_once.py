"""Consume-once: eight processes reach for the same event, and one of them takes it."""

import subprocess
import sys
from pathlib import Path

from anima.clock import SystemClock
from anima.store import Store
from anima.vocabulary import OWNER, NewEvent

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


def _start(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TAKER, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_eight_processes_take_an_event_once(tmp_path: Path) -> None:
    path = tmp_path / "anima.db"
    store = await Store.open(path, SystemClock())
    await store.adopt("arya")
    await store.post(NewEvent("arya", "cli:main", "the one", OWNER))
    await store.post(NewEvent("arya", "cli:main", "the next", OWNER))
    await store.aclose()
    takers = [_start(path) for _ in range(8)]
    for taker in takers:
        assert taker.stdout is not None
        assert taker.stdout.readline() == "ready\n"
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.close()
    taken = []
    for taker in takers:
        assert taker.stdout is not None
        taken += [text for text in taker.stdout.readline().strip().split(",") if text]
        taker.stdout.close()
        assert taker.wait(30) == 0
    assert taken == ["the one"]
