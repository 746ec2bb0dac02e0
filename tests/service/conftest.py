"""Homes with a service: the real program in the background, a scripted provider, loopback only."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from anima.runtime import door_of, knock
from tests.cli.chat_server import ChatServer, chat_server
from tests.cli.conftest import PROGRAM, anima, surroundings
from tests.service.homes import Service

__all__ = ["anima", "surroundings"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def provider() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


@pytest.fixture
def service(home: Path, provider: ChatServer, surroundings: dict[str, str]) -> Iterator[Service]:
    """The home with one agent, arya; whatever runs in it at the end is ended."""
    surroundings["OPENAI_API_KEY"] = "sk-test"
    service = Service(home, provider, surroundings, PROGRAM)
    service.agent("arya")
    yield service
    for pid in service.started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    left = knock(door_of(home), {"do": "end", "now": True})
    assert left is None or left["ok"]
