"""Killed in the middle of a backup, a restore or an import, nothing is lost and the next try finishes it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anima.errors import StoreError
from anima.store import Store
from anima.store.backup import back_up
from anima.store.held import Held
from anima.store.move import export_agent, import_agent
from anima.store.restore import look, restore
from anima.testing import FakeClock
from tests.store.homes import dump, fill, pages

NOW = 1_767_323_045.0
PROGRAM = [sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    asyncio.run(fill(folder))
    pages(folder)
    return folder


def killed(home: Path, fault: str, *words: str | Path) -> None:
    """Run the program until it is killed at a point."""
    environment = {**os.environ, "ANIMA_FAULT": fault, "ANIMA_HOME": str(home)}
    done = subprocess.run([*PROGRAM, *map(str, words)], env=environment, timeout=60, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("point", "made"), [("archive.keeping", 0), ("archive.kept", 1)])
def test_a_backup_that_is_killed_is_whole_or_not_there_and_its_draft_goes(home: Path, point: str, made: int) -> None:
    killed(home, point, "backup")
    found = list((home / "backups").glob("anima-*.tar"))
    assert len(found) == made
    for path in found:
        look(path)
    back_up(home, NOW)
    assert not [path for path in (home / "backups").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("point", ["command.committing", "command.committed"])
def test_a_restore_killed_before_it_moves_anything_has_changed_nothing(home: Path, point: str) -> None:
    made = back_up(home, NOW)
    before = dump(home / "anima.db")
    killed(home, point, "restore", made.path, "--force")
    assert dump(home / "anima.db") == before
    restore(made.path, home, NOW, force=True)
    assert not list((home / "backups").glob(".*"))


@pytest.mark.parametrize("point", ["restore.replacing", "restore.replaced"])
async def test_a_home_whose_restore_was_killed_is_not_used_until_it_is_finished(tmp_path: Path, point: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    await fill(home)
    pages(home)
    made = back_up(home, NOW)
    (home / "agents" / "arya" / "persona.md").write_text("You are long-winded.\n")
    killed(home, point, "restore", made.path, "--force")
    with pytest.raises(StoreError, match="cut off") as refused:
        await Store.open(home / "anima.db", FakeClock())
    assert str(made.path) in refused.value.hint
    with pytest.raises(StoreError, match="cut off"):
        back_up(home, NOW)
    done = restore(made.path, home, NOW, force=True)
    assert done.held == Held(events=6, replies=1, unknown=("t5.1.1",))
    await (await Store.open(home / "anima.db", FakeClock())).aclose()
    assert (home / "agents" / "arya" / "persona.md").read_text() == "You are brief.\n"
    kept = [path.read_text() for path in (home / "backups").glob("replaced-*/agents/arya/persona.md")]
    assert "You are long-winded.\n" in kept


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ("file.keeping", False),
        ("file.kept", False),
        ("import.placing", False),
        ("import.placed", False),
        ("command.committing", False),
        ("command.committed", True),
    ],
)
def test_an_import_that_is_killed_is_all_there_or_done_again(
    home: Path, tmp_path: Path, point: str, inside: bool
) -> None:
    export_agent("arya", home, tmp_path / "arya.tar", NOW)
    killed(tmp_path / "new", point, "import", tmp_path / "arya.tar")
    rows = len(dump(tmp_path / "new" / "anima.db"))
    if not inside:
        done = import_agent(tmp_path / "arya.tar", tmp_path / "new", NOW, "fresh")
        assert done.events == 9
        assert len(dump(tmp_path / "new" / "anima.db")) > rows
    assert (tmp_path / "new" / "agents" / "arya" / "persona.md").read_text() == "You are brief.\n"
    assert len(list((tmp_path / "new" / "files").iterdir())) == 1 + (point == "file.keeping")
