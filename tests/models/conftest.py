"""What tests of models share: the bundled model, fetched once, and llama.cpp's own server with it."""

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from anima.clock import SystemClock
from anima.models.providers import Providers
from tests.models.bundled import models_dir as models_dir

KEY = "a-key-of-the-test"


@pytest.fixture(scope="session")
def llama_url(models_dir: Path) -> Iterator[str]:
    """The base URL of llama.cpp's server, which speaks OpenAI's format and Anthropic's; it wants KEY."""
    order = {"gguf": str(next(models_dir.glob("*.gguf"))), "context": 2048, "threads": 1, "key": KEY}
    command = (sys.executable, "-m", "anima.models.llama_child")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
        yield json.loads(child.stdout.readline())["url"]
        child.stdin.close()


@pytest.fixture
async def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Providers, None]:
    """Providers with no model of their own, and nothing in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    async with Providers(SystemClock(), tmp_path) as opened:
        yield opened
