"""A person at a terminal of their own (a pseudo-terminal), in front of the real program."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

SEATED = [sys.executable, "-c", "import os; os.login_tty(0); import sys; from anima.cli import main; sys.exit(main())"]

PATIENCE = 20.0
"""Seconds until what should be shown must be there."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1b\][^\x07]*\x07")


@dataclass
class Person:
    """Types, and reads what has been shown since they last looked."""

    program: "subprocess.Popen[bytes]"
    terminal: int
    raw: bytes = b""
    _seen: int = 0

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def sees(self, text: str) -> str:
        """What is shown up to and with `text`, without what only moves or colours."""
        while text not in (shown := self._shown()):
            if not self._read():
                raise AssertionError(f"{text!r} is not shown, but: {shown!r}")
        end = shown.index(text) + len(text)
        self._seen += end
        return shown[:end]

    def leaves(self) -> int:
        """Wait for the program's end; its exit status."""
        while self._read():
            pass
        return self.program.wait(PATIENCE)

    def closes_the_terminal(self) -> int:
        """Close the window; how the program ended."""
        os.close(self.terminal)
        return self.program.wait(PATIENCE)

    def _shown(self) -> str:
        return CONTROL.sub("", self.raw.decode(errors="ignore")).replace("\r", "")[self._seen :]

    def _read(self) -> bool:
        """Read on; False when nothing comes any more."""
        try:
            data = os.read(self.terminal, 65536) if select.select([self.terminal], [], [], PATIENCE)[0] else b""
        except OSError:  # the program has left it
            return False
        self.raw += data
        return bool(data)


@contextmanager
def person(surroundings: Mapping[str, str], *words: str, **environment: str) -> Iterator[Person]:
    """Starts the program in a window of 80 columns, which it controls; kills it where the test did not end it."""
    mine, theirs = pty.openpty()
    termios.tcsetwinsize(mine, (24, 80))
    seat = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **surroundings, **environment}
    program = subprocess.Popen([*SEATED, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=seat)
    os.close(theirs)
    sitting = Person(program, mine)
    try:
        yield sitting
    finally:
        program.kill()
        program.wait()
        if sitting.program.returncode is None or _is_open(mine):
            os.close(mine)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
