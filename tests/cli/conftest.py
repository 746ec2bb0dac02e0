"""The real program in a home of its own, without a terminal: as a process, or, where only words matter, in this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anima.cli.root import launch
from tests.cli.program import Anima, Ended

PROGRAM = [sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def surroundings(tmp_path: Path, home: Path) -> dict[str, str]:
    """The environment of every command: nothing of the machine's but where programs are; no Ollama to be found."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ANIMA_HOME": str(home),
        "OLLAMA_HOST": "127.0.0.1:1",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def anima(surroundings: dict[str, str]) -> Anima:
    """`anima("turn", "list", stdin="…", KEY="value")` runs the program to its end."""

    def run(*words: str | Path, stdin: str = "", **environment: str) -> Ended:
        done = subprocess.run(
            [*PROGRAM, *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=surroundings | environment,
            start_new_session=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Anima:
    """`anima` without the half second a process of its own takes."""

    def run(*words: str | Path) -> Ended:
        for name, value in surroundings.items():
            monkeypatch.setenv(name, value)
        status = launch([str(word) for word in words])
        return Ended(status, *capsys.readouterr())

    return run
