"""llama.cpp in a child process: started when first needed, started again after a crash, ended with the runtime.

It does not know what is asked of it.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from anima.clock import Clock
from anima.errors import Unreachable
from anima.sandbox.net import Reach, open_client

CONTEXT = 4096
"""Tokens of context where nobody set a bound."""
START = 120.0
"""Seconds the child may take to read its model."""
_GOODBYE = 2.0


@dataclass(frozen=True)
class Serving:
    """A running child: its URL, the key that its port wants, a client for it."""

    url: str
    key: str
    client: httpx2.AsyncClient


class Llama:
    """One GGUF file, served."""

    def __init__(self, gguf: Path, context: int | None, clock: Clock) -> None:
        self.gguf = gguf
        self.context = context or CONTEXT
        self._clock = clock
        self._process: Process | None = None
        self._serving: Serving | None = None
        self._starting = asyncio.Lock()

    async def serve(self) -> Serving:
        """Where it answers, started if need be. Raises Unreachable."""
        async with self._starting:
            if self._serving is None or self._process is None or _ended(self._process):
                await self._stop()
                return await self._start()
            return self._serving

    async def aclose(self) -> None:
        async with self._starting:
            await self._stop()

    async def _start(self) -> Serving:
        if not self.gguf.is_file():
            raise Unreachable(f"there is no model at {self.gguf}", "`anima model get` fetches the bundled one")
        if find_spec("xllamacpp") is None:
            raise Unreachable("llama.cpp is not installed", "pip install 'anima-runtime[local]'")
        key = self._clock.new_key()
        command = (sys.executable, "-m", "anima.models.llama_child")
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._stop)
            url = await self._introduce(self._process, key)
            client = open_client(Reach(frozenset({urlsplit(url).netloc})))
            self._serving = Serving(url, key, client)
            undo.pop_all()
        return self._serving

    async def _introduce(self, process: Process, key: str) -> str:
        """Hand the child its order; the key goes over a pipe, which no list of processes shows."""
        assert process.stdin is not None
        assert process.stdout is not None
        threads = max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else 1
        order = {"gguf": str(self.gguf), "context": self.context, "threads": threads, "key": key}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        try:
            async with asyncio.timeout(START):
                told = await process.stdout.readline()
        except TimeoutError:
            raise Unreachable(f"llama.cpp did not start within {START:g} s with {self.gguf}") from None
        if not told:
            raise Unreachable(f"llama.cpp ended while it read {self.gguf}", "see that the file is a whole GGUF")
        answer = json.loads(told)
        if "error" in answer:
            raise Unreachable(f"llama.cpp cannot use {self.gguf}: {answer['error']}", "see that it is a whole GGUF")
        return str(answer["url"])

    async def _stop(self) -> None:
        process, serving = self._process, self._serving
        self._process = self._serving = None
        if serving is not None:
            await serving.client.aclose()
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _ended(process: Process) -> bool:
    """Whether it has ended, also when asyncio has not heard of it yet."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
