"""The approver of a terminal: shows one exact call whole, and takes only a typed yes.

No terminal, no answer in ten minutes, an empty line or anything but `y` or `yes` is a no. It does not know what is
done with the answer.
"""

import asyncio
import json
import os
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass

from anima.cli.inert import escaped
from anima.vocabulary import Call


@dataclass(frozen=True)
class Terminal:
    """Where a person can be asked: file descriptors to read from and write to; `patience` is in seconds."""

    reading: int
    writing: int
    patience: float = 600.0

    @classmethod
    def find(cls) -> "Terminal | None":
        """The terminal a person sits at: stdin and stderr, else `/dev/tty`; None when there is none."""
        if sys.stdin.isatty() and sys.stderr.isatty():
            found = cls(sys.stdin.fileno(), sys.stderr.fileno())
        else:
            try:
                both = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            except OSError:
                return None
            found = cls(both, both)
        return None if found._in_background() else found

    def _in_background(self) -> bool:
        """Whether reading would stop the whole job, because another one has the terminal."""
        try:
            return os.tcgetpgrp(self.reading) != os.getpgrp()
        except OSError:  # not the terminal that controls this process: nobody else reads it
            return False

    async def ask(self, question: str) -> str:
        """One line typed after the question was shown; raises TimeoutError when none comes."""
        termios.tcflush(self.reading, termios.TCIFLUSH)  # what was typed before is no answer
        os.write(self.writing, question.encode(errors="backslashreplace"))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def read() -> None:
            loop.remove_reader(self.reading)
            answer.set_result(os.read(self.reading, 1024).decode(errors="replace"))

        loop.add_reader(self.reading, read)
        try:
            return await asyncio.wait_for(answer, self.patience)
        except asyncio.CancelledError:
            os.write(self.writing, b"\n")
            raise
        finally:
            loop.remove_reader(self.reading)


class TerminalApprover:
    """Asks at a terminal. `before` is called first, so that a live display can step aside."""

    def __init__(self, terminal: Terminal, before: Callable[[], None]) -> None:
        self._terminal = terminal
        self._before = before

    async def __call__(self, call: Call) -> bool:
        self._before()
        try:
            answer = await self._terminal.ask(question(call))
        except TimeoutError:
            os.write(self._terminal.writing, b"\nno answer came in time: denied\n")
            return False
        return answer.strip().lower() in ("y", "yes")


def question(call: Call, how: str = "Run it? [y/N] ") -> str:
    """Everything an approver must see: who asks, which tool, every argument whole, nothing active; `how` to answer."""
    lines = [f"{call.agent} wants to run {call.tool} ({call.effect_class}):"]
    for name, value in call.arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        first, *rest = escaped(text).split("\n")
        lines += [f"  {escaped(name)}: {first}", *(f"  | {line}" for line in rest)]
    if call.doubtful:
        lines.append("  An equal call here has an unknown outcome: this may happen a second time.")
    return "\n" + "\n".join(lines) + f"\n{how}"
