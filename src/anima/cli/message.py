"""Words for an agent of the home, as they were typed: for `ask` and `tell`.

This module does not know what becomes of them.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anima.cli.options import check_conversation, home_option, json_option
from anima.errors import NotFound, UsageError


@dataclass(frozen=True)
class Message:
    """What was typed."""

    name: str
    text: str
    conversation: str
    attach: tuple[Path, ...]
    home: Path
    as_json: bool

    def read(self) -> str:
        """The text; `-` is read from stdin. Raises UsageError where there is none, or the conversation is none."""
        check_conversation(self.conversation)
        try:
            text = sys.stdin.buffer.read().decode() if self.text == "-" else self.text
            text.encode()
        except UnicodeError as error:
            raise UsageError("TEXT is not UTF-8 text", "attach files with --attach") from error
        if not text.strip():
            raise UsageError("TEXT is empty", "write it in quotes")
        return text

    @property
    def wish(self) -> dict[str, object]:
        """What every wish about it says."""
        files = [str(path.absolute()) for path in self.attach]
        return {"agent": self.name, "conversation": self.conversation, "attachments": files}

    @property
    def settings(self) -> Path:
        """The agent's settings file. Raises NotFound."""
        path = self.home / "agents" / self.name / "agent.toml"
        if not path.is_file():
            raise NotFound(f"no agent is called {self.name!r} here", "`anima status` shows all agents")
        return path


def message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The words both commands have."""
    for option in (
        json_option,
        home_option,
        click.option("--attach", multiple=True, type=click.Path(path_type=Path), help="An image or a file, 20 MB."),
        click.option("--conversation", default="cli:main", show_default=True, help="The lasting exchange to speak in."),
        click.argument("text"),
        click.argument("name"),
    ):
        command = option(command)
    return command
