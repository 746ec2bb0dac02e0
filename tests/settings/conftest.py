"""A folder to write settings files into."""

from collections.abc import Callable
from pathlib import Path

import pytest

from anima.errors import Problem, SettingsError
from anima.settings import Loaded, load

AGENT = '[agent]\nname = "arya"\n'
Written = Callable[..., Loaded]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written(text)` loads a file of that text; `home=` is the text of an `anima.toml`, `alone` leaves out [agent]."""

    def write(text: str, *, home: str | None = None, alone: bool = False) -> Loaded:
        path = tmp_path / "config.toml"
        path.write_text(text if alone else AGENT + text)
        folder = tmp_path / "home"
        if home is not None:
            folder.mkdir()
            (folder / "anima.toml").write_text(home)
        return load(path, folder)

    return write


@pytest.fixture
def mistakes(written: Written) -> Callable[..., list[Problem]]:
    """Like `written`, for a file that is wrong."""

    def write(text: str, **more: object) -> list[Problem]:
        with pytest.raises(SettingsError) as caught:
            written(text, **more)
        return caught.value.problems

    return write
