"""A home under torture: lives of the child in it, and what is on disk and in the ledger after each.

This module does not judge what it finds.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anima.clock import SystemClock
from anima.errors import StoreError
from anima.faults import POINTS
from anima.runtime.door import door_of
from anima.sandbox import command
from anima.store import Store
from anima.torture.door import REPORT
from anima.torture.plan import Kill
from anima.torture.workload import AGENT, ASKED, GRANTED, OTHER
from anima.vocabulary import Event, Turn

NEVER = 1_000_000_000
"""A crossing that no life reaches: its point is counted, and nobody is killed."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """What is on disk when a life has ended: events, turns by id, names of kept files, what the store's check finds.

    `killed` tells whether the life was ended from outside.
    """

    life: int
    killed: bool
    events: tuple[Event, ...]
    turns: Mapping[str, Turn]
    files: frozenset[str]
    problems: Sequence[str]


@dataclass(frozen=True)
class Ending:
    """How a life ended: its exit status (negative: a signal), None when it was stuck; what it said on stderr."""

    status: int | None
    stderr: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Home:
    """One folder for a home with the tortured agent, and the name of its round in the ledger at `port`."""

    def __init__(self, folder: Path, round: int, child: Sequence[str], port: int) -> None:
        self._folder = folder / f"home-{round}"
        self._ledger = folder / f"{round}.jsonl"
        self._round = round
        self._child = child
        self._port = port
        self.lives = 0
        workspace = self._folder / "agents" / AGENT / "workspace"
        workspace.mkdir(mode=0o700, parents=True)
        for script in (GRANTED, ASKED):
            (workspace / script).write_text(REPORT)

    async def live(self, kill: Kill | None, parallel: int, patience: float) -> Ending:
        """One life of the child, until it is done or killed; stuck after `patience` seconds."""
        self.lives += 1
        fault = ",".join(f"{point}:{NEVER}" for point in POINTS)
        if kill is not None and kill.after is None:
            fault = f"{kill.point}:{kill.crossing}"
        process = await asyncio.create_subprocess_exec(
            *(*self._child, str(self._folder), str(self._port), f"/{self._round}/{self.lives}", str(parallel)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "ANIMA_FAULT": fault},
        )
        try:
            async with asyncio.timeout(patience):
                if kill is not None and kill.after is not None:
                    await _kill_later(process, kill.after)
                stderr = await _watch(process)
                return Ending(process.returncode, stderr)
        except TimeoutError:
            return Ending(None, "")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def look(self, *, killed: bool) -> Snapshot:
        """What is on disk, read from a copy: the home stays as the dead child left it."""
        copy = self._folder / "copy"
        copy.mkdir()
        for file in self._folder.glob("anima.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        try:
            events, turns, problems = await _read(copy / "anima.db")
        except StoreError as error:
            events, turns, problems = (), {}, [error.message]
        finally:
            shutil.rmtree(copy)
        kept = self._folder / "files"
        names = frozenset(path.name for path in kept.iterdir()) if kept.exists() else frozenset[str]()
        return Snapshot(self.lives, killed, events, turns, names, problems)

    def entries(self) -> list[Entry]:
        """The ledger of this home, in order."""
        return [json.loads(line) for line in self._ledger.read_text().splitlines()] if self._ledger.exists() else []

    async def aclose(self) -> None:
        """End the commands that a dead child left, and remove all of it."""
        for scratch in (self._folder / "agents" / AGENT / "effects").glob("*"):
            await command.recover(scratch, 0)
        for agent in (AGENT, OTHER):
            door_of(self._folder / "agents" / agent).unlink(missing_ok=True)
        shutil.rmtree(self._folder)
        self._ledger.unlink(missing_ok=True)


async def _watch(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    stderr = (await process.stderr.read()).decode(errors="replace")
    await process.wait()
    return stderr


async def _kill_later(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Kill it so many seconds after its first word, unless it has ended by then."""
    assert process.stdout is not None
    await process.stdout.readline()
    await asyncio.sleep(seconds)
    if process.returncode is None:
        process.kill()


async def _read(path: Path) -> tuple[tuple[Event, ...], dict[str, Turn], list[str]]:
    """All events, all turns by id, and what the store's check finds. Raises StoreError for a store that is refused."""
    store = await Store.open(path, SystemClock())
    try:
        events: list[Event] = []
        while (event := await store.event(f"e{len(events) + 1}")) is not None:
            events.append(event)
        turns = {turn.id: turn for event in events if (turn := await store.turn("t" + event.id[1:])) is not None}
        return tuple(events), turns, await store.check()
    finally:
        await store.aclose()
