"""A store in a file and one in memory: every use case holds for both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from anima.store import Store
from anima.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "anima.db" if request.param == "file" else None, clock)
    await opened.adopt("arya")
    yield opened
    await opened.aclose()
