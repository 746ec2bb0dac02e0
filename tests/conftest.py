"""Shared fixtures: every async test runs on asyncio."""

from pathlib import Path

import pytest

from tests.fakes import Home


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)
