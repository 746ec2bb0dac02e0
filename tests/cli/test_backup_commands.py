"""Backups, exports and held events by the words of the command line."""

import asyncio
from pathlib import Path

import pytest

from anima.store import Lease
from tests.cli.program import Anima
from tests.store.homes import fill, pages


@pytest.fixture
def lived_in(home: Path) -> Path:
    home.mkdir(mode=0o700)
    asyncio.run(fill(home))
    pages(home)
    return home


def test_a_home_is_backed_up_listed_and_restored(here: Anima, lived_in: Path, tmp_path: Path) -> None:
    made = here("backup", "--to", tmp_path / "b.tar", "--json").document
    assert made["ok"]
    assert made["path"] == str(tmp_path / "b.tar")
    assert "anima.db" in {file["name"] for file in made["files"]}
    listed = here("restore", "--list", tmp_path / "b.tar", "--json").document
    assert listed["files"] == made["files"]
    refused = here("restore", tmp_path / "b.tar", "--json")
    assert (refused.status, refused.document["error"]["type"]) == (2, "usage_error")
    done = here("restore", tmp_path / "b.tar", "--force", "--json").document
    assert done["held"] == {"events": 6, "replies": 1, "unknown": ["t5.1.1"]}
    assert Path(done["replaced"]).is_dir()


def test_a_running_home_is_not_restored_over(here: Anima, lived_in: Path, tmp_path: Path) -> None:
    here("backup", "--to", tmp_path / "b.tar")
    lease = Lease(lived_in / "agents" / "arya", "arya")
    refused = here("restore", tmp_path / "b.tar", "--force", "--json")
    lease.release()
    assert (refused.status, refused.document["error"]["type"]) == (1, "agent_busy")


def test_the_settings_say_how_many_backups_stay(here: Anima, lived_in: Path) -> None:
    (lived_in / "anima.toml").write_text("[store]\nbackups = 2\n")
    for _ in range(4):
        last = here("backup", "--json").document
    assert len(last["removed"]) == 1
    assert len(list((lived_in / "backups").glob("*.tar"))) == 2
    assert len(here("store", "stats", "--json").document["backups"]) == 2


def test_held_events_are_listed_shown_and_let_go(here: Anima, lived_in: Path, tmp_path: Path) -> None:
    here("backup", "--to", tmp_path / "b.tar")
    here("restore", tmp_path / "b.tar", "--force")
    items = here("event", "list", "--state", "held", "--json").document["items"]
    assert [item["id"] for item in items] == ["e9", "e7", "e6", "e5", "e4", "e3"]
    assert {"id", "agent", "conversation", "source", "text", "state", "turn", "time"} <= set(items[0])
    assert here("event", "show", "e1", "--json").document["event"]["reply_held"] is True
    assert here("event", "release", "e5", "--json").document == {"ok": True, "released": ["e5"]}
    assert here("event", "show", "e5", "--json").document["event"]["state"] == "queued"
    assert here("event", "release", "e5").status == 2
    assert here("event", "release").status == 2
    assert here("event", "release", "e99").status == 1
    assert here("event", "release", "e9", "e5").status == 2
    assert here("event", "show", "e9", "--json").document["event"]["state"] == "held"
    assert here("event", "release", "--all", "--json").document["released"] == ["e1", "e3", "e4", "e6", "e7", "e9"]
    assert here("event", "list", "--state", "held", "--json").document["items"] == []
    assert "are you there?" in here("event", "list", "--agent", "arya").out


def test_where_nothing_was_kept_there_are_no_events(here: Anima) -> None:
    assert here("event", "list", "--json").document == {"ok": True, "items": []}
    assert here("event", "show", "e1").status == 1
    assert here("store", "stats").status == 1
    assert here("backup").status == 1


def test_an_agent_is_exported_and_imported(here: Anima, lived_in: Path, tmp_path: Path) -> None:
    assert here("export", "arya", "--to", tmp_path / "arya", "--json").document["left_out"] == []
    again = here("import", tmp_path / "arya", "--json")
    assert (again.status, again.document["ok"]) == (2, False)
    done = here("import", tmp_path / "arya", "--as", "bran", "--json").document
    assert (done["agent"], done["events"], done["held"]["events"]) == ("bran", 9, 6)
    assert here("config", "check", lived_in / "agents" / "bran" / "agent.toml").status == 0


def test_old_results_are_pruned_by_age_in_days(here: Anima, lived_in: Path) -> None:
    assert here("store", "prune", "--results-older-than", "90d", "--json").document["results"] == 1
    for wrong in ("90", "0d", "-1d", "90h"):
        assert here("store", "prune", "--results-older-than", wrong).status == 2
    assert "effects" in here("store", "stats").out
