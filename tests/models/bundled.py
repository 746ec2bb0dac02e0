"""The bundled model for any test that wants it, fetched once and kept from run to run.

A conftest that wants the fixture imports it: `from tests.models.bundled import models_dir as models_dir`.
"""

import asyncio
from pathlib import Path

import pytest

from anima.models.smollm import ensure_model


@pytest.fixture(scope="session")
def models_dir(request: pytest.FixtureRequest) -> Path:
    """A folder with the bundled model."""
    folder: Path = request.config.cache.mkdir("anima-models")
    asyncio.run(ensure_model(folder))
    return folder
