"""A home whose service a test starts, asks, kills and starts again."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from anima.runtime import door_of, knock
from tests.cli.chat_server import ChatServer
from tests.cli.program import Ended

T = TypeVar("T")

LONGEST = 20.0
"""Seconds within which anything a test waits for happens."""


def until(look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds something."""
    for _ in range(int(LONGEST / 0.02)):
        if found := look():
            return found
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


@dataclass
class Service:
    """The program in a home of its own. `started` are processes to end with the test."""

    home: Path
    provider: ChatServer
    surroundings: dict[str, str]
    program: list[str]
    started: list[int] = field(default_factory=list)

    def agent(self, name: str, more: str = "") -> Path:
        """Write an agent's settings."""
        folder = self.home / "agents" / name
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        (folder / "agent.toml").write_text(
            f'[agent]\nname = "{name}"\n[llm]\nprovider = "openai"\nmodel = "scripted"\n'
            f'base_url = "{self.provider.url}"\n[retry]\nmax_retries = 0\n{more}'
        )
        return folder / "agent.toml"

    def run(self, *words: str, **environment: str) -> Ended:
        """A command, to its end."""
        done = subprocess.run(
            [*self.program, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.surroundings | environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """A command, in the background."""
        process = subprocess.Popen(
            [*self.program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.surroundings | environment,
            start_new_session=True,
        )
        self.started.append(process.pid)
        return process

    def start(self, **environment: str) -> int:
        """Open the home in the background; the runtime's process."""
        ended = self.run("start", **environment)
        assert ended.status == 0, ended.err + self.output
        return self.pid

    @property
    def status(self) -> dict[str, Any]:
        return self.run("status", "--json").document

    @property
    def pid(self) -> int:
        return int(self.wish({"do": "status"})["pid"])

    def wish(self, wish: dict[str, object]) -> dict[str, Any]:
        """Ask at the door, as soon as somebody is there."""
        return until(lambda: knock(door_of(self.home), wish))

    @property
    def output(self) -> str:
        return "".join(path.read_text() for path in sorted((self.home / "logs").glob("*")) if path.is_file())

    def events(self, **only: str) -> list[dict[str, Any]]:
        items = json.loads(self.run("event", "list", "--json").out)["items"]
        return [item for item in items if only.items() <= item.items()]
