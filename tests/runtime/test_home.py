"""A home belongs to its owner alone."""

from pathlib import Path

from anima import Agent, Runtime
from anima.testing import ScriptedModel


async def test_every_folder_and_file_of_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with Runtime(home, [Agent("arya", model=ScriptedModel(["Yes."]))]) as runtime:
        assert await runtime.ask("arya", "Are you there?") == "Yes."
    assert [path for path in (home, *home.rglob("*")) if path.stat().st_mode & 0o077] == []
