"""Lines from a pipe, a file, or a terminal without an editor.

A backslash at the end of a line says that there is more to come. It does not know what lines mean.
"""

import asyncio
import os
import sys

from anima.cli.repl.lines import continued


class PlainLines:
    """Reads lines from a file descriptor without keeping the loop from its work. `prompts`: a person types."""

    def __init__(self, reading: int, *, prompts: bool) -> None:
        self._reading = reading
        self._prompts = prompts
        self._bytes = b""
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None

    async def read(self, prompt: str) -> str | None:
        """The next text; None at the end. Raises KeyboardInterrupt when `interrupt` was called meanwhile."""
        lines = list[str]()
        while (line := await self._line("... " if lines else prompt)) is not None:
            more = continued(line)
            lines.append(line if more is None else more)
            if more is None:
                break
        return "\n".join(lines) if lines else None

    def interrupt(self) -> None:
        """Somebody pressed Ctrl-C."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(KeyboardInterrupt())

    async def _line(self, prompt: str) -> str | None:
        if self._prompts:
            sys.stdout.write(prompt)
            sys.stdout.flush()
        while b"\n" not in self._bytes and not self._ended:
            await self._readable()
            data = os.read(self._reading, 65536)
            self._bytes += data
            self._ended = not data
        if not self._bytes:
            return None
        line, _, self._bytes = self._bytes.partition(b"\n")
        return line.decode(errors="replace")

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        try:
            loop.add_reader(self._reading, self._ready)
        except PermissionError:
            self._waiting = None
            return  # a file: it can always be read
        try:
            await self._waiting
        finally:
            loop.remove_reader(self._reading)
            self._waiting = None

    def _ready(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
