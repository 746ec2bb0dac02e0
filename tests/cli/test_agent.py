"""`anima agent`: agents made, changed, renamed and taken away, with nothing of anybody lost."""

import asyncio
import os
from pathlib import Path

import pytest

from anima import Agent, Runtime
from anima.store import Lease
from anima.testing import ScriptedModel
from tests.cli.program import Anima


def names(here: Anima) -> list[str]:
    return [item["name"] for item in here("agent", "list", "--json").document["items"]]


async def talk(home: Path, name: str) -> None:
    async with Runtime(home, [Agent(name, model=ScriptedModel(["hello"]))]) as runtime:
        await runtime.ask(name, "hi", conversation="cli:main")


@pytest.fixture
def arya(here: Anima, home: Path) -> Path:
    made = here("agent", "create", "arya", "--model", "ollama/qwen3:8b", "--json")
    assert made.document["model"] == "ollama/qwen3:8b"
    return home / "agents" / "arya"


def test_an_agent_is_made_with_a_folder_of_its_own(here: Anima, arya: Path) -> None:
    assert oct(arya.stat().st_mode)[-3:] == "700"
    assert oct((arya / "agent.toml").stat().st_mode)[-3:] == "600"
    shown = here("agent", "show", "arya", "--json").document["agent"]
    assert (shown["name"], shown["model"], shown["template"]) == ("arya", "ollama/qwen3:8b", None)
    assert "You are arya." in shown["persona"]
    assert names(here) == ["arya"]
    assert "You are arya." in here("agent", "show", "arya").out


def test_a_name_is_taken_once_and_must_be_one(here: Anima, arya: Path) -> None:
    before = (arya / "agent.toml").read_bytes()
    assert here("agent", "create", "arya", "--json").status == 2
    assert here("agent", "create", "../x", "--json").status == 2
    assert (arya / "agent.toml").read_bytes() == before


@pytest.mark.parametrize("name", ["wise.md", "old.persona"])
def test_a_persona_is_taken_along(here: Anima, home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("system_prompt = 'Wise.'\n" if name.endswith("persona") else "Wise.")
    assert here("agent", "create", "bran", "--persona", tmp_path / name, "--model", "local").status == 0
    assert here("agent", "show", "bran", "--json").document["agent"]["persona"] == "Wise."


def test_a_persona_that_is_wrong_makes_no_agent(here: Anima, home: Path, tmp_path: Path) -> None:
    (tmp_path / "old.persona").write_text("system_prompt = \n")
    assert here("agent", "create", "bran", "--persona", tmp_path / "old.persona", "--json").status == 2
    assert names(here) == []


def test_the_homes_own_default_model_is_not_written_over(here: Anima, home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "anima.toml").write_text('[defaults.llm]\nprovider = "ollama"\nmodel = "mine"\n')
    here("agent", "create", "bran")
    assert here("agent", "show", "bran", "--json").document["agent"]["model"] == "ollama/mine"


def test_an_agent_of_a_template_is_a_row_and_follows_the_template(here: Anima, arya: Path, home: Path) -> None:
    assert here("agent", "create", "twin", "--from", "arya", "--json").document["template"] == "arya"
    assert not (home / "agents" / "twin").exists()
    assert names(here) == ["arya", "twin"]
    here("agent", "edit", "arya", "--model", "local")
    assert here("agent", "show", "twin", "--json").document["agent"]["model"].startswith("local/")
    assert here("agent", "edit", "twin", "--model", "local", "--json").status == 2
    assert here("agent", "create", "third", "--from", "nobody", "--json").status == 1
    assert here("agent", "remove", "arya", "--json").status == 2, "somebody lives by its settings"


def test_an_edit_changes_what_it_says_and_a_mistake_changes_nothing(here: Anima, arya: Path, tmp_path: Path) -> None:
    (tmp_path / "calm.md").write_text("Calm.")
    before = (arya / "agent.toml").read_text()
    assert here("agent", "edit", "arya", "--model", "openai/gpt-5-mini", "--persona", tmp_path / "calm.md").status == 0
    shown = here("agent", "show", "arya", "--json").document["agent"]
    assert (shown["model"], shown["persona"]) == ("openai/gpt-5-mini", "Calm.")
    after = (arya / "agent.toml").read_text()
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line.startswith("#")
    ]
    os.environ["EDITOR"] = f"{tmp_path / 'spoil'}"
    (tmp_path / "spoil").write_text('#!/bin/sh\necho "nonsense = 1" >> "$1"\n')
    (tmp_path / "spoil").chmod(0o700)
    try:
        assert here("agent", "edit", "arya", "--json").status == 2
    finally:
        del os.environ["EDITOR"]
    assert (arya / "agent.toml").read_text() == after


def test_a_renamed_agent_keeps_its_past_and_its_files(here: Anima, arya: Path, home: Path) -> None:
    asyncio.run(talk(home, "arya"))
    here("agent", "create", "twin", "--from", "arya")
    (arya / "workspace" / "note.txt").write_text("mine")
    assert here("agent", "rename", "arya", "bran", "--json").document["agent"] == "bran"
    assert names(here) == ["bran", "twin"]
    assert (home / "agents" / "bran" / "workspace" / "note.txt").read_text() == "mine"
    assert (
        here("conversation", "show", "cli:main", "--agent", "bran", "--json").document["messages"][1]["text"] == "hello"
    )
    assert here("agent", "show", "twin", "--json").document["agent"]["template"] == "bran"
    assert here("agent", "rename", "bran", "twin", "--json").status == 2
    assert here("agent", "rename", "nobody", "x", "--json").status == 1


def test_a_rename_that_was_cut_off_goes_on(here: Anima, arya: Path, home: Path) -> None:
    here("agent", "rename", "arya", "bran")
    (home / "agents" / "bran").rename(arya)
    assert here("agent", "rename", "arya", "bran").status == 0
    assert names(here) == ["bran"]
    assert here("agent", "show", "bran", "--json").status == 0


def test_a_copy_has_the_pages_and_no_past(here: Anima, arya: Path, home: Path) -> None:
    asyncio.run(talk(home, "arya"))
    (arya / "USER.md").write_text("Works for Ada.")
    here("agent", "copy", "arya", "bran")
    shown = here("agent", "show", "bran", "--json").document["agent"]
    assert "Works for Ada." in shown["persona"]
    assert [item["agent"] for item in here("conversation", "list", "--json").document["items"]] == ["arya"]


def test_a_removed_agent_is_kept_in_the_backups_and_its_name_is_free(here: Anima, arya: Path, home: Path) -> None:
    asyncio.run(talk(home, "arya"))
    backup = Path(here("agent", "remove", "arya", "--json").document["backup"])
    assert (backup / "arya" / "agent.toml").exists()
    assert names(here) == []
    assert here("agent", "create", "arya", "--model", "local").status == 0
    assert here("import", backup / "arya.tar", "--as", "old", "--json").status == 0
    assert (
        here("conversation", "show", "cli:main", "--agent", "old", "--json").document["messages"][1]["text"] == "hello"
    )


def test_who_is_at_work_is_neither_renamed_nor_removed(here: Anima, arya: Path, home: Path) -> None:
    lease = Lease(arya, "arya")
    try:
        for words in (("rename", "arya", "bran"), ("remove", "arya")):
            ended = here("agent", *words, "--json")
            assert ended.document["error"]["type"] == "agent_busy"
    finally:
        lease.release()
    assert names(here) == ["arya"]
    assert (arya / "agent.toml").exists()
