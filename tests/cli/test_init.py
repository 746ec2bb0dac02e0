"""`anima init` makes a home and never overwrites."""

import json
import os
import pty
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM
from tests.cli.program import Anima


def test_a_home_is_made_with_one_agent_that_thinks_locally(anima: Anima, home: Path) -> None:
    made = anima("init")
    assert (made.status, made.err) == (0, "")
    settings = tomllib.loads((home / "agents/anima/agent.toml").read_text())
    assert settings["agent"] == {"name": "anima", "persona": "persona.md"}
    assert settings["llm"]["provider"] == "local"
    assert "anima" in (home / "agents/anima/persona.md").read_text()
    assert tomllib.loads((home / "anima.toml").read_text())["owner"]["name"]


def test_what_was_made_is_accepted_as_settings(anima: Anima, home: Path) -> None:
    anima("init", "--name", "arya")
    checked = anima("config", "check", home / "agents/arya/agent.toml")
    assert (checked.status, checked.err) == (0, "")


@pytest.mark.parametrize(("key", "provider"), [("ANTHROPIC_API_KEY", "anthropic"), ("OPENAI_API_KEY", "openai")])
def test_a_key_in_the_environment_chooses_its_provider(anima: Anima, home: Path, key: str, provider: str) -> None:
    anima("init", **{key: "secret-value"})
    text = (home / "agents/anima/agent.toml").read_text()
    assert tomllib.loads(text)["llm"]["provider"] == provider
    assert tomllib.loads(text)["llm"]["fallback"] == ["local"]
    assert "secret-value" not in text


def test_only_the_owner_can_read_a_home(anima: Anima, home: Path) -> None:
    anima("init")
    made = [home, *home.rglob("*")]
    assert {oct(path.stat().st_mode & 0o777) for path in made if path.is_dir()} == {"0o700"}
    assert {oct(path.stat().st_mode & 0o777) for path in made if path.is_file()} == {"0o600"}


def test_a_home_is_never_made_twice(anima: Anima, home: Path) -> None:
    anima("init", "--name", "arya")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = anima("init", "--name", "gendry", "--json")
    assert (again.status, again.document["error"]["type"]) == (2, "usage_error")
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_a_file_that_exists_stops_it_before_anything_is_written(anima: Anima, tmp_path: Path) -> None:
    mine = tmp_path / "place/agents/anima/persona.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert anima("init", tmp_path / "place").status == 2
    assert mine.read_text() == "mine"
    assert [path for path in (tmp_path / "place").rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("name", ["../arya", "a b", "", 'a"', "-a"])
def test_a_name_that_would_not_be_a_folder_is_refused(here: Anima, home: Path, name: str) -> None:
    assert here("init", f"--name={name}").status == 2
    assert not home.exists()


@pytest.mark.parametrize("model", ["gpt", 'openai/x"', "openai/", "OPENAI/x y"])
def test_a_model_that_is_none_is_refused(here: Anima, home: Path, model: str) -> None:
    assert here("init", "--model", model).status == 2
    assert not home.exists()


def test_a_model_may_be_named(here: Anima, home: Path) -> None:
    made = here("init", "--model", "ollama/qwen3:8b", "--json").document
    assert made["ok"] is True
    llm = tomllib.loads((home / "agents/anima/agent.toml").read_text())["llm"]
    assert (llm["provider"], llm["model"]) == ("ollama", "qwen3:8b")


def test_on_a_terminal_it_asks(surroundings: dict[str, str], home: Path) -> None:
    mine, theirs = pty.openpty()
    environment = surroundings | {"OPENAI_API_KEY": "k", "TERM": "dumb"}
    asked = subprocess.Popen(
        [*PROGRAM, "init"], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environment, start_new_session=True
    )
    os.close(theirs)
    os.write(mine, b"arya\nNed\n2\n")
    out, _ = asked.communicate(timeout=30)
    os.close(mine)
    assert asked.returncode == 0, out
    settings = tomllib.loads((home / "agents/arya/agent.toml").read_text())
    assert settings["llm"]["provider"] == "local"
    assert tomllib.loads((home / "anima.toml").read_text())["owner"]["name"] == "Ned"


class _Tags(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"models": [{"name": "qwen3:8b"}, {"name": "other"}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ollama() -> Iterator[str]:
    """The address of a server that lists models as Ollama does."""
    with HTTPServer(("127.0.0.1", 0), _Tags) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_running_ollama_is_found_and_its_first_model_taken(anima: Anima, home: Path, ollama: str) -> None:
    assert anima("init", OLLAMA_HOST=ollama).status == 0
    llm = tomllib.loads((home / "agents/anima/agent.toml").read_text())["llm"]
    assert (llm["provider"], llm["model"]) == ("ollama", "qwen3:8b")
