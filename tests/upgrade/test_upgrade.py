"""Every store a released program wrote is opened by this one, with a backup first, and nothing of it is lost.

`schema-N.sql` is the store of a home in the middle of everything, as the program of schema N wrote it:
`python -m tests.store.homes tests/upgrade/schema-N.sql` makes it with that program's code. Until a schema is
released its file is made anew whenever the schema changes; from then on it stays as it is.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from anima.errors import StoreTooNew
from anima.store import Store, schema
from anima.store.restore import look, restore
from anima.testing import FakeClock
from anima.vocabulary import EffectState, EventState
from tests.store.homes import CLASSES, dump

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(Path(__file__).parent.glob("schema-*.sql"), key=lambda path: int(path.stem.partition("-")[2]))
NOW = 1_767_323_045.0


def lay(fixture: Path, folder: Path) -> Path:
    """The fixture as a store in a home."""
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "anima.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(fixture.read_text(encoding="utf-8"))
    return folder / "anima.db"


def tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        return [" ".join(sql.replace("(", " ( ").replace(")", " ) ").split()) for (sql,) in found]


def test_there_is_a_fixture_of_every_schema() -> None:
    assert [path.stem for path in FIXTURES] == [f"schema-{n}" for n in range(1, len(schema.MIGRATIONS) + 1)]


async def test_the_newest_fixture_is_what_this_program_writes(tmp_path: Path) -> None:
    await (await Store.open(tmp_path / "fresh.db", FakeClock())).aclose()
    assert tables(lay(FIXTURES[-1], tmp_path / "home")) == tables(tmp_path / "fresh.db"), "make the fixture anew"


@pytest.mark.parametrize("fixture", FIXTURES, ids=[path.stem for path in FIXTURES])
async def test_a_home_of_every_schema_is_upgraded_whole(fixture: Path, tmp_path: Path) -> None:
    path = lay(fixture, tmp_path / "home")
    store = await Store.open(path, FakeClock())
    await store.adopt("arya")
    assert await store.check() == []
    answered, waiting, dead = [await store.turn(id) for id in ("t1", "t7", "t8")]
    assert answered is not None
    assert [event.text for event in answered.events] == ["what is this?", "and quickly"]
    assert answered.answer == "A picture."
    assert answered.effects[0].result == "a long text"
    assert await store.unprinted("arya", "cli:main", "cli") is not None
    for place, kind in enumerate(CLASSES, 3):
        turn = await store.turn(f"t{place}")
        assert turn is not None
        assert turn.events[0].state == EventState.RUNNING
        assert [(effect.effect_class, effect.begun) for effect in turn.effects] == [(kind, 1001.0), (kind, None)]
    assert waiting is not None
    assert waiting.effects[0].state == EffectState.WAITING
    assert dead is not None
    assert (dead.events[0].state, dead.error) == (EventState.DEAD, "it broke")
    event = await store.event("e9")
    assert event is not None
    assert event.state == EventState.QUEUED
    assert {lane for lane, _, _ in await store.pending("arya")} == {*(f"cli:{kind}" for kind in CLASSES), "cli:wait"}
    await store.aclose()


def add_moods(db: sqlite3.Connection) -> None:
    """A migration as a later program may have one."""
    db.execute("ALTER TABLE agents ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")
    db.execute("UPDATE agents SET mood = 'brave'")


def add_hats(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE hats (id INTEGER PRIMARY KEY) STRICT")


def fail(db: sqlite3.Connection) -> None:
    """A migration that does half of its work."""
    db.execute("CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT")
    raise sqlite3.OperationalError("no such column")


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return lay(FIXTURES[-1], tmp_path / "home").parent


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`later(add_moods)`: this program knows these migrations too; returns its version."""

    def add(*migrations: Callable[[sqlite3.Connection], None]) -> int:
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *migrations))
        return len(schema.MIGRATIONS)

    return add


async def test_before_a_migration_the_store_is_backed_up(home: Path, later: Callable[..., int], tmp_path: Path) -> None:
    now = len(schema.MIGRATIONS)
    to = later(add_moods, add_hats)
    await (await Store.open(home / "anima.db", FakeClock())).aclose()
    assert version(home / "anima.db") == to
    (backup,) = (home / "backups").iterdir()
    assert backup.name.endswith(f"-before-{to}.tar")
    assert look(backup).facts["schema"] == now
    restore(backup, tmp_path / "other", NOW)
    assert version(tmp_path / "other" / "anima.db") == to


async def test_a_fresh_store_needs_no_backup(tmp_path: Path, later: Callable[..., int]) -> None:
    to = later(add_moods)
    await (await Store.open(tmp_path / "anima.db", FakeClock())).aclose()
    assert version(tmp_path / "anima.db") == to
    assert not (tmp_path / "backups").exists()


async def test_a_migration_that_fails_leaves_the_version_before_it_and_is_tried_again(
    home: Path, later: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(schema.MIGRATIONS)
    later(add_moods, fail)
    for _ in range(2):
        with pytest.raises(Exception, match="no such column"):
            await Store.open(home / "anima.db", FakeClock())
        assert version(home / "anima.db") == before + 1
        assert not any("half" in sql for sql in tables(home / "anima.db"))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], add_hats))
    await (await Store.open(home / "anima.db", FakeClock())).aclose()
    assert version(home / "anima.db") == before + 2


async def test_where_no_backup_can_be_made_nothing_is_migrated(home: Path, later: Callable[..., int]) -> None:
    before = version(home / "anima.db")
    (home / "backups").write_text("a file is in the way")
    later(add_moods)
    with pytest.raises(FileExistsError):
        await Store.open(home / "anima.db", FakeClock())
    assert version(home / "anima.db") == before


async def test_a_store_of_a_later_program_is_refused_with_both_versions(home: Path, later: Callable[..., int]) -> None:
    to = later(add_moods)
    await (await Store.open(home / "anima.db", FakeClock())).aclose()
    schema_now = schema.MIGRATIONS
    try:
        schema.MIGRATIONS = schema_now[:-1]
        with pytest.raises(StoreTooNew, match=rf"version {to}.* {to - 1}"):
            await Store.open(home / "anima.db", FakeClock())
    finally:
        schema.MIGRATIONS = schema_now


PROGRAM = """
import asyncio, sys
from pathlib import Path
from anima.clock import SystemClock
from anima.store import Store, schema
from tests.upgrade.test_upgrade import add_hats, add_moods
schema.MIGRATIONS = (*schema.MIGRATIONS, add_moods, add_hats)
async def main():
    await (await Store.open(Path(sys.argv[1]), SystemClock())).aclose()
asyncio.run(main())
"""


def upgrade(path: Path, fault: str = "") -> int:
    environment = {**os.environ, "ANIMA_FAULT": fault, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    words = [sys.executable, "-c", PROGRAM, str(path)]
    return subprocess.run(words, env=environment, timeout=60, check=False, capture_output=True).returncode


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("archive.keeping:1", 0),
        ("archive.kept:1", 0),
        ("store.migrating:1", 0),
        ("store.migrated:1", 1),
        ("store.migrating:2", 1),
        ("store.migrated:2", 2),
    ],
)
def test_killed_anywhere_an_upgrade_goes_on_at_the_next_start(home: Path, fault: str, left: int) -> None:
    before = len(schema.MIGRATIONS)
    rows = len(dump(home / "anima.db"))
    assert upgrade(home / "anima.db", fault) == -signal.SIGKILL
    assert version(home / "anima.db") == before + left
    assert upgrade(home / "anima.db") == 0
    assert version(home / "anima.db") == before + 2
    assert len(dump(home / "anima.db")) == rows + 1
    backups = [path for path in (home / "backups").glob("*.tar") if not path.name.startswith(".")]
    assert backups
    assert all(look(path).facts["schema"] in (before, before + 1) for path in backups)
