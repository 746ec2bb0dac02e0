"""A backup is whole or not there; a restore changes everything or nothing, and lets nothing start by itself."""

import asyncio
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from anima.errors import AgentBusy, NotFound, StoreDamaged, StoreError, StoreForeign, UsageError
from anima.store import Files, Lease, Store
from anima.store.backup import back_up
from anima.store.disk import connect
from anima.store.held import Held
from anima.store.restore import look, restore
from anima.store.schema import MIGRATIONS
from anima.store.snapshot import before_migration
from anima.testing import FakeClock
from anima.vocabulary import OWNER, Attachment, EffectState, EventState, NewEvent
from tests.store.homes import PICTURE, dump, fill, pages

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("SELECT 1 FROM agents")
print(flush=True)
input()
"""
NOW = 1_767_323_045.0  # 2026-01-02T03:04:05Z


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    asyncio.run(fill(folder))
    pages(folder)
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """Every file and its bytes; the locks of agents come and go."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_backup_is_private_named_by_time_and_holds_what_makes_a_home(home: Path) -> None:
    made = back_up(home, NOW)
    assert made.path == home / "backups" / "anima-20260102T030405Z.tar"
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    (picture,) = (home / "files").iterdir()
    held = {"anima.db", "anima.toml", "agents/arya/agent.toml", "agents/arya/persona.md", f"files/{picture.name}"}
    assert set(made.manifest.files) == held
    assert made.manifest.facts["schema"] == len(MIGRATIONS)
    assert [path.name for path in made.path.parent.iterdir()] == [made.path.name]
    assert look(made.path) == made.manifest


def test_workspaces_are_taken_on_request_and_links_are_named_not_followed(home: Path) -> None:
    (home / "agents" / "arya" / "workspace" / "secret").symlink_to("/etc/passwd")
    (home / "agents" / "arya" / "link.md").symlink_to("/etc/passwd")
    made = back_up(home, NOW, workspaces=True)
    assert "agents/arya/workspace/deep/notes.txt" in made.manifest.files
    assert made.left_out == ("agents/arya/link.md", "agents/arya/workspace/secret")


def test_a_restore_into_an_empty_home_brings_back_every_row(home: Path, tmp_path: Path) -> None:
    made = back_up(home, NOW, to=tmp_path / "b.tar")
    restored = restore(made.path, tmp_path / "new", NOW)
    assert restored.replaced is None
    new = tmp_path / "new"
    assert (new / "agents" / "arya" / "persona.md").read_text() == "You are brief.\n"
    assert (new / "anima.db").stat().st_mode & 0o777 == 0o600
    changed = set(dump(new / "anima.db")) - set(dump(home / "anima.db"))
    assert all("'held'" in line or "unknown" in line for line in changed)
    kept = sorted(path.name for path in new.iterdir())
    assert kept == [".lock", "agents", "anima.db", "anima.toml", "backups", "files"]
    assert list((new / "backups").iterdir()) == []


async def test_after_a_restore_everything_pending_is_held_and_a_begun_call_is_unknown(tmp_path: Path) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    home.mkdir()
    await fill(home)
    restored = restore(back_up(home, NOW, to=tmp_path / "b.tar").path, new, NOW)
    assert restored.held == Held(events=6, replies=1, unknown=("t5.1.1",))
    store = await Store.open(new / "anima.db", FakeClock())
    await store.adopt("arya")
    assert await store.pending("arya") == []
    assert await store.unprinted("arya", "cli:main", "cli") is None
    turn = await store.turn("t5")
    assert turn is not None
    assert [effect.state for effect in turn.effects] == [EffectState.UNKNOWN, EffectState.INTENDED]
    assert turn.events[0].state == EventState.HELD
    other = await store.turn("t3")
    assert other is not None
    assert [effect.state for effect in other.effects] == [EffectState.INTENDED] * 2
    picture = (await store.turn("t1") or turn).events[0].attachments[0]
    assert Files(new / "files").read(picture) == PICTURE
    assert (await store.post(NewEvent("arya", "cli:once", "something new", OWNER), claim=True)).claimed
    await store.aclose()


def test_a_home_that_is_not_empty_is_replaced_only_by_force_and_what_was_there_is_kept(home: Path) -> None:
    made = back_up(home, NOW)
    (home / "agents" / "arya" / "persona.md").write_text("You are long-winded.\n")
    (home / "agents" / "arya" / "later.md").write_text("Came later.\n")
    before = everything(home)
    with pytest.raises(UsageError, match="not empty"):
        restore(made.path, home, NOW)
    assert everything(home) == before
    restored = restore(made.path, home, NOW, force=True)
    assert restored.replaced == home / "backups" / "replaced-20260102T030405Z"
    kept = everything(restored.replaced)
    assert kept["agents/arya/persona.md"] == b"You are long-winded.\n"
    assert kept["agents/arya/later.md"] == b"Came later.\n"
    assert kept["anima.db"] == before["anima.db"]
    assert (home / "agents" / "arya" / "persona.md").read_text() == "You are brief.\n"
    assert not (home / "agents" / "arya" / "later.md").exists()
    assert (home / "agents" / "arya" / "workspace" / "deep" / "notes.txt").read_text() == "mine"


def test_a_damaged_home_can_be_restored_over(home: Path) -> None:
    made = back_up(home, NOW)
    (home / "anima.db").write_bytes(b"rubbish" * 1000)
    restore(made.path, home, NOW, force=True)
    with closing(sqlite3.connect(home / "anima.db")) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (9,)


def test_a_home_with_a_folder_elsewhere_is_not_restored_over(home: Path, tmp_path: Path) -> None:
    made = back_up(home, NOW)
    (home / "agents" / "arya").rename(tmp_path / "elsewhere")
    (home / "agents" / "arya").symlink_to(tmp_path / "elsewhere")
    before = everything(tmp_path)
    with pytest.raises(UsageError, match="is a link"):
        restore(made.path, home, NOW, force=True)
    assert everything(tmp_path) == before


def test_a_store_that_a_process_has_open_is_not_replaced(home: Path) -> None:
    made = back_up(home, NOW)
    words = [sys.executable, "-c", HOLD, str(home / "anima.db")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(AgentBusy, match="open now"):
            restore(made.path, home, NOW, force=True)
        other.communicate(b"\n")
    restore(made.path, home, NOW, force=True)


def test_a_backup_of_the_store_alone_leaves_settings_and_pages(home: Path) -> None:
    with closing(connect(f"{(home / 'anima.db').as_uri()}?mode=rw")) as db:
        before_migration(db, home / "anima.db", 99)
    (made,) = (home / "backups").iterdir()
    assert made.name.endswith("-before-99.tar")
    done = restore(made, home, NOW, force=True)
    assert done.replaced is not None
    assert {name.partition("-")[0] for name in everything(done.replaced)} == {"anima.db"}
    assert (home / "agents" / "arya" / "persona.md").exists()


def test_a_running_home_is_never_restored_over(home: Path) -> None:
    made = back_up(home, NOW)
    lease = Lease(home / "agents" / "arya", "arya")
    before = everything(home)
    with pytest.raises(AgentBusy):
        restore(made.path, home, NOW, force=True)
    lease.release()
    assert everything(home) == before


async def test_a_backup_of_a_store_that_is_being_written_is_of_one_moment(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "anima.db", FakeClock())
    await store.adopt("arya")
    written = 0

    async def write() -> None:
        nonlocal written
        while True:
            await store.post(NewEvent("arya", f"cli:{written % 7}", "x" * 2000, OWNER))
            written += 1

    writing = asyncio.create_task(write())
    while written < 200:
        await asyncio.sleep(0)
    before = written
    made = await asyncio.to_thread(back_up, tmp_path, NOW)
    after = written
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await store.aclose()
    restore(made.path, tmp_path / "new", NOW)
    with closing(sqlite3.connect(tmp_path / "new" / "anima.db")) as db:
        numbers = [n for (n,) in db.execute("SELECT id FROM events ORDER BY id")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert before <= len(numbers) <= after + 1


def test_only_anima_s_own_backups_are_rotated_and_never_the_newest(home: Path) -> None:
    mine = home / "backups" / "before-the-move.tar"
    back_up(home, NOW)
    mine.write_bytes(b"kept by hand")
    for day in range(1, 5):
        made = back_up(home, NOW + day * 86_400, keep=3)
    names = sorted(path.name for path in (home / "backups").iterdir())
    assert names == [
        *(f"anima-2026010{day}T030405Z.tar" for day in (4, 5, 6)),
        "before-the-move.tar",
    ]
    back_in_time = back_up(home, NOW - 86_400 * 365, keep=3)
    assert back_in_time.path.exists()
    assert made.path.exists()
    assert len(back_up(home, NOW, keep=0).removed) == 0


def test_two_backups_of_one_second_are_two_files(home: Path) -> None:
    assert back_up(home, NOW).path != back_up(home, NOW).path


def test_an_existing_file_is_not_overwritten_and_no_store_is_no_backup(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.tar").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        back_up(home, NOW, to=tmp_path / "mine.tar")
    assert (tmp_path / "mine.tar").read_text() == "mine"
    with pytest.raises(NotFound, match="no store"):
        back_up(tmp_path / "nowhere", NOW)
    for data in (b"Dear Arya, " * 500, (home / "anima.db").read_bytes()[:20_000]):
        (home / "anima.db").write_bytes(data)
        with pytest.raises(StoreError):
            back_up(home, NOW)
    assert list((home / "backups").iterdir()) == []


def test_a_damaged_store_gives_no_backup_and_removes_none(home: Path) -> None:
    good = back_up(home, NOW, keep=1)
    with closing(sqlite3.connect(home / "anima.db")) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM steps WHERE turn = 1")
        db.commit()
    with pytest.raises(StoreDamaged):
        back_up(home, NOW + 60, keep=1)
    assert [path.name for path in (home / "backups").iterdir()] == [good.path.name]


def repack(source: Path, target: Path, *, more: list[tuple[tarfile.TarInfo, bytes]], without: str = "") -> None:
    """A backup with members added in front."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for entry, data in more:
            new.addfile(entry, BytesIO(data))
        for entry in old:
            if entry.name != without:
                new.addfile(entry, old.extractfile(entry))


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for key, value in fields.items():
        setattr(entry, key, value)
    return entry, data


@pytest.mark.parametrize(
    "entry",
    [
        member("../outside.md", b"x"),
        member("agents/../../outside.md", b"x"),
        member("/outside.md", b"x"),
        member("agents/arya/.lock", b"x"),
        member("agents/arya/workspace/../../../outside", b"x"),
        member("agents/arya/workspace//x", b"x"),
        member("agents/arya/extra.md", b"not in the manifest"),
        member("models/big.gguf", b"x"),
        member("agents/arya/persona.md", b"twice"),
        member("agents/arya/link.md", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("agents/arya/hard.md", type=tarfile.LNKTYPE, linkname="anima.db"),
        member("agents/arya/pipe.md", type=tarfile.FIFOTYPE),
        member("agents/arya/null.md", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("agents/arya/bomb.md", type=tarfile.GNUTYPE_SPARSE),
        member("manifest.json", b"{}"),
        member("manifest.json", b"[" * 100_000),
    ],
    ids=lambda entry: f"{entry[0].name}-{entry[0].type.decode()}",
)
def test_what_has_no_place_in_a_backup_is_refused_and_nothing_is_changed(
    home: Path, tmp_path: Path, entry: tuple[tarfile.TarInfo, bytes]
) -> None:
    made = back_up(home, NOW, to=tmp_path / "b.tar")
    bad = tmp_path / "bad.tar"
    repack(made.path, bad, more=[entry])
    before = everything(tmp_path)
    with pytest.raises(StoreError):
        look(bad)
    with pytest.raises(StoreError):
        restore(bad, home, NOW, force=True)
    assert everything(tmp_path) == before


def test_a_backup_cut_off_anywhere_or_with_a_changed_byte_is_refused(home: Path, tmp_path: Path) -> None:
    whole = back_up(home, NOW, to=tmp_path / "b.tar").path.read_bytes()
    bad = tmp_path / "bad.tar"
    end = len(whole.rstrip(b"\0"))
    for length in range(0, end, 4099):
        bad.write_bytes(whole[:length])
        with pytest.raises(StoreError):
            look(bad)
    for at in range(700, end, 3001):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            manifest = look(bad)
        except StoreError:
            continue
        # A byte of padding between members, or one of the headers that are not used, means nothing.
        assert manifest == look(tmp_path / "b.tar")


def test_another_file_is_no_backup(tmp_path: Path) -> None:
    for name, data in (("letter.tar", b"Dear Arya" * 500), ("empty.tar", b""), ("zeros.tar", b"\0" * 10_240)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(StoreForeign):
            look(tmp_path / name)
    with pytest.raises(NotFound):
        look(tmp_path / "none.tar")


def test_a_lost_attachment_does_not_pass_for_another(home: Path) -> None:
    made = back_up(home, NOW)
    restore(made.path, home, NOW, force=True)
    with pytest.raises(StoreDamaged):
        Files(home / "files").read(Attachment("x", "text/plain", 1, "0" * 64))
