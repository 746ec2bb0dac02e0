"""Standard output belongs to the answer, whatever the tools of an agent print."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.chat_server import ChatServer, Say, chat_server
from tests.cli.conftest import PROGRAM
from tests.cli.program import Anima

NOISY = '''
import os
from anima import tool

print("noise at import", flush=True)

@tool(effect="read", result="trusted")
def shout() -> str:
    """Shout."""
    print("noise by print", flush=True)
    os.write(1, b"noise by descriptor\\n")
    os.system("echo noise by a child")
    return "shouted"
'''


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        running.script = [Say(calls=(("shout", {}),)), Say("done")]
        yield running


@pytest.fixture
def config(tmp_path: Path, server: ChatServer) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "noisy.py").write_text(NOISY)
    path = tmp_path / "config.toml"
    path.write_text(f"""
[agent]
name = "loud"
[llm]
provider = "openai"
model = "scripted"
base_url = "{server.url}"
[tools]
enabled = ["shout"]
""")
    return path


@pytest.fixture
def surroundings(surroundings: dict[str, str]) -> dict[str, str]:
    return surroundings | {"OPENAI_API_KEY": "test-key"}


def test_json_stays_one_document_when_a_tool_prints(anima: Anima, config: Path) -> None:
    ended = anima("run", config, "shout", "--json")
    assert json.loads(ended.out)["answer"] == "done"
    for way in ("at import", "by print", "by descriptor", "by a child"):
        assert f"noise {way}" in ended.err


def test_a_reader_that_leaves_does_not_end_the_turn(config: Path, surroundings: dict[str, str], anima: Anima) -> None:
    command = [*PROGRAM, "run", str(config), "shout", "--events"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=surroundings, start_new_session=True
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        run.wait(60)
    assert anima("turn", "show", "t1", "--json").document["turn"]["state"] == "closed"
