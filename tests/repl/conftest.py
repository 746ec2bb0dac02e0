"""A home with two agents who think with a scripted server, for whoever talks with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.chat_server import ChatServer, chat_server
from tests.cli.conftest import anima, home
from tests.cli.conftest import surroundings as bare
from tests.cli.person import Person, person

__all__ = ["anima", "bare", "home"]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture
def surroundings(bare: dict[str, str]) -> dict[str, str]:
    return bare | {"OPENAI_API_KEY": "test-key", "LANG": "C.UTF-8"}


@pytest.fixture
def agents(home: Path, server: ChatServer) -> None:
    for name in ("arya", "bran"):
        folder = home / "agents" / name
        folder.mkdir(parents=True, mode=0o700)
        (folder / "agent.toml").write_text(f"""
[agent]
name = "{name}"
system_prompt = "You are {name}."
[llm]
provider = "openai"
model = "scripted"
base_url = "{server.url}"
[tools]
enabled = ["add", "shell", {'"ask_agent"' if name == "arya" else ""}]
[retry]
max_retries = 0
""")


@pytest.fixture
def sitting(agents: None, surroundings: dict[str, str]) -> Iterator[Person]:
    with person(surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        yield someone
