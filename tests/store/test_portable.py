"""An agent moves from home to home with everything it has; a bad export changes nothing."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from anima.errors import NotFound, StoreError, UsageError
from anima.store import Files, Store, portable
from anima.store.archive import MANIFEST, verify
from anima.store.forms import AGENT
from anima.store.held import Held
from anima.store.move import export_agent, import_agent
from anima.testing import FakeClock
from anima.vocabulary import EventState, Turn
from tests.store.homes import MEMBER, PICTURE, dump, fill, pages

NOW = 1_767_323_045.0
ORIGIN = '[["gendry"],"t3.1.1"]'
HASHES = {"hash", "result_hash"}
"""Columns that are made anew from the others."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    asyncio.run(fill(folder))
    pages(folder)
    return folder


async def turns(home: Path, agent: str) -> list[Turn]:
    store = await Store.open(home / "anima.db", FakeClock())
    found = [turn for head in await store.turns(agent) if (turn := await store.turn(head.id))]
    await store.aclose()
    return found


def test_every_column_of_an_agent_is_exported(home: Path) -> None:
    with closing(sqlite3.connect(home / "anima.db")) as db:
        known = {field.name for field in fields(portable.Identity)}
        assert {row[1] for row in db.execute("PRAGMA table_info(agents)")} == known | {"id"}
        for table in portable.TABLES:
            stored = "outbox" if table == "replies" else table
            columns = {row[1] for row in db.execute(f"PRAGMA table_info({stored})")} - {"agent"}
            assert {column[0] for column in db.execute(portable._READ[table], (1,)).description} == columns - HASHES


@pytest.mark.parametrize("target", ["arya.tar", "arya"])
def test_an_export_is_a_file_or_a_folder_that_any_program_can_read(home: Path, tmp_path: Path, target: str) -> None:
    done = export_agent("arya", home, tmp_path / target, NOW)
    assert verify(tmp_path / target, AGENT) == done.manifest
    assert done.manifest.facts["agent"]["name"] == "arya"
    assert {"pages/persona.md", "pages/agent.toml", "events.jsonl", "replies.jsonl"} <= set(done.manifest.files)
    if target == "arya":
        (first, *_) = (tmp_path / "arya" / "events.jsonl").read_text().splitlines()
        assert json.loads(first)["text"] == "what is this?"
        assert (tmp_path / "arya" / "pages" / "persona.md").read_text() == "You are brief.\n"
        assert (tmp_path / "arya").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("target", ["arya.tar", "arya"])
def test_an_agent_comes_into_another_home_whole(home: Path, tmp_path: Path, target: str) -> None:
    export_agent("arya", home, tmp_path / target, NOW)
    other = tmp_path / "other"
    other.mkdir()
    asyncio.run(fill(other, "gendry"))
    before = set(dump(other / "anima.db"))
    done = import_agent(tmp_path / target, other, NOW, "fresh")
    assert (done.agent.name, done.events) == ("arya", 9)
    assert done.held == Held(events=6, replies=1, unknown=("t14.1.1",))
    assert before <= set(dump(other / "anima.db"))
    old, new = asyncio.run(turns(home, "arya")), asyncio.run(turns(other, "arya"))
    for one, two in zip(old, new, strict=True):
        assert int(two.id[1:]) == int(one.id[1:]) + 9
        assert (one.conversation, one.opened, one.closed, one.error) == (
            two.conversation,
            two.opened,
            two.closed,
            two.error,
        )
        assert [event.text for event in one.events] == [event.text for event in two.events]
        assert [event.label for event in one.events] == [event.label for event in two.events]
        assert [(step.text, step.usage, step.time) for step in one.steps] == [
            (step.text, step.usage, step.time) for step in two.steps
        ]
        assert [(effect.key, effect.arguments, effect.attempts) for effect in one.effects] == [
            (effect.key, effect.arguments, effect.attempts) for effect in two.effects
        ]
    first = new[-1]
    assert first.events[0].label == MEMBER
    assert first.effects[0].label == MEMBER
    assert Files(other / "files").read(first.events[0].attachments[0]) == PICTURE
    assert {turn.events[0].state for turn in new if turn.state == "open"} == {EventState.HELD}
    assert (other / "agents" / "arya" / "persona.md").read_text() == "You are brief.\n"


def test_the_same_agent_comes_in_once_and_again_only_under_another_name(home: Path, tmp_path: Path) -> None:
    export_agent("arya", home, tmp_path / "arya.tar", NOW)
    with pytest.raises(UsageError, match="lives here already"):
        import_agent(tmp_path / "arya.tar", home, NOW, "fresh")
    with pytest.raises(UsageError, match="is here already"):
        import_agent(tmp_path / "arya.tar", home, NOW, "fresh", "arya")
    done = import_agent(tmp_path / "arya.tar", home, NOW, "fresh", "bran")
    assert (done.agent.name, done.agent.key) == ("bran", "fresh")
    settings = (home / "agents" / "bran" / "agent.toml").read_text()
    assert settings == '# Who she is.\n[agent]\nname = "bran" # no one\n\n[llm]\nprovider = "local"\n'
    export_agent("bran", home, tmp_path / "bran.tar", NOW)
    again = import_agent(tmp_path / "bran.tar", tmp_path / "new", NOW, "other")
    assert again.agent.key == "fresh"


def test_a_paused_agent_comes_in_paused(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "anima.db")) as db:
        db.execute("UPDATE agents SET standing = 'paused', note = 'she rests'")
        db.commit()
    export_agent("arya", home, tmp_path / "arya.tar", NOW)
    done = import_agent(tmp_path / "arya.tar", tmp_path / "new", NOW, "fresh")
    assert (done.agent.standing, done.agent.note) == ("paused", "she rests")


def test_a_fork_and_a_question_of_another_agent_lead_nowhere_wrong(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "anima.db")) as db:
        db.execute("UPDATE events SET conversation = 'fork:t1.2', number = 1, origin = ? WHERE id = 9", (ORIGIN,))
        db.commit()
    export_agent("arya", home, tmp_path / "arya.tar", NOW)
    other = tmp_path / "other"
    other.mkdir()
    asyncio.run(fill(other, "gendry"))
    import_agent(tmp_path / "arya.tar", other, NOW, "fresh")
    with closing(sqlite3.connect(other / "anima.db")) as db:
        found = db.execute("SELECT conversation, origin FROM events WHERE id = 18").fetchone()
    assert found == ("fork:t10.2", '[["gendry"],null]')


def test_an_export_of_an_import_says_the_same(home: Path, tmp_path: Path) -> None:
    export_agent("arya", home, tmp_path / "one.tar", NOW)
    import_agent(tmp_path / "one.tar", tmp_path / "a", NOW, "fresh")
    export_agent("arya", tmp_path / "a", tmp_path / "two.tar", NOW)
    import_agent(tmp_path / "two.tar", tmp_path / "b", NOW, "fresh")
    export_agent("arya", tmp_path / "b", tmp_path / "three.tar", NOW)
    assert (tmp_path / "two.tar").read_bytes() == (tmp_path / "three.tar").read_bytes()


def test_nothing_is_exported_over_and_an_unknown_agent_is_told(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        export_agent("arya", home, tmp_path / "mine", NOW)
    with pytest.raises(NotFound):
        export_agent("nobody", home, tmp_path / "x.tar", NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mine", "picture.png"]


Change = Callable[[dict[str, object]], object]


def broken(row: dict[str, object], **fields: object) -> dict[str, object]:
    return {**row, **fields}


CHANGES: list[tuple[str, Change]] = [
    ("events", lambda row: broken(row, state="surely")),
    ("events", lambda row: broken(row, label=["king", [], []])),
    ("events", lambda row: broken(row, id="one")),
    ("events", lambda row: broken(row, turn=4711)),
    ("events", lambda row: broken(row, number=None)),
    ("events", lambda row: broken(row, text=7)),
    ("events", lambda row: broken(row, attachments=[["x", "y", 1, "../../../etc/passwd"]])),
    ("events", lambda row: broken(row, attachments=[["x", "y", 1, "0" * 64]])),
    ("events", lambda row: {"id": 1}),
    ("events", lambda row: [row]),
    ("turns", lambda row: broken(row, id=10**30)),
    ("turns", lambda row: broken(row, state="odd")),
    ("steps", lambda row: broken(row, kind="dream")),
    ("effects", lambda row: broken(row, **{"class": "maybe"})),
    ("effects", lambda row: broken(row, state="perhaps")),
    ("effects", lambda row: broken(row, step=99)),
    ("replies", lambda row: broken(row, state="lost")),
]


@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_a_row_that_is_not_right_is_named_and_nothing_is_changed(
    home: Path, tmp_path: Path, table: str, change: Change
) -> None:
    export_agent("arya", home, tmp_path / "arya", NOW)
    lines = (tmp_path / "arya" / f"{table}.jsonl").read_text().splitlines()
    lines[0] = json.dumps(change(json.loads(lines[0])))
    reseal(tmp_path / "arya", f"{table}.jsonl", "\n".join(lines) + "\n")
    other = tmp_path / "other"
    other.mkdir()
    asyncio.run(fill(other, "gendry"))
    before = dump(other / "anima.db")
    with pytest.raises(StoreError):
        import_agent(tmp_path / "arya", other, NOW, "fresh")
    assert dump(other / "anima.db") == before
    assert not (other / "agents" / "arya" / "agent.toml").exists()
    assert not list(other.glob(".import-*"))


def reseal(folder: Path, name: str, text: str) -> None:
    """Change a file of an export, and what the manifest says of it."""
    (folder / name).write_text(text)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = {"size": len(text.encode()), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_a_changed_page_a_link_and_a_backup_are_refused(home: Path, tmp_path: Path) -> None:
    export_agent("arya", home, tmp_path / "arya", NOW)
    shutil.copytree(tmp_path / "arya", tmp_path / "linked")
    (tmp_path / "arya" / "pages" / "persona.md").write_text("You are mine.\n")
    (tmp_path / "linked" / "pages" / "persona.md").unlink()
    (tmp_path / "linked" / "pages" / "persona.md").symlink_to("/etc/passwd")
    for bad in ("arya", "linked"):
        with pytest.raises(StoreError):
            import_agent(tmp_path / bad, tmp_path / "other", NOW, "fresh")
    assert not (tmp_path / "other" / "anima.db").exists()
