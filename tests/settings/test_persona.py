"""Who an agent is: which files are read, in what order, how much of them, and what stands in for names."""

from pathlib import Path

import pytest

from anima.errors import SettingsError
from anima.settings import Persona, Words, load


def folder(path: Path, **files: str) -> Path:
    (path / "agent.toml").write_text(files.pop("toml", '[agent]\nname = "arya"\n'))
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path / "agent.toml"


def test_the_files_of_a_folder_are_joined_in_one_order(tmp_path: Path) -> None:
    path = folder(tmp_path, AGENTS_md="Rules.", USER_md="Works for Ada.", persona_md="I am arya.\n")
    assert load(path).persona.read().text == "I am arya.\n\nWorks for Ada.\n\nRules."


def test_a_soul_is_a_persona_and_a_prompt_written_inline_goes_before_the_files(tmp_path: Path) -> None:
    path = folder(tmp_path, SOUL_md="A soul.", USER_md="Ada.")
    assert load(path).persona.read().text == "A soul.\n\nAda."
    path = folder(tmp_path, toml='[agent]\nname = "arya"\nsystem_prompt = "Inline."\n')
    assert load(path).persona.read().text == "Inline.\n\nAda."


def test_no_file_at_all_is_no_persona(tmp_path: Path) -> None:
    assert load(folder(tmp_path)).persona.read() == Words()


def test_too_much_is_left_out_visibly_of_a_file_and_of_all(tmp_path: Path) -> None:
    path = folder(tmp_path, persona_md="a" * 20_001, USER_md="b" * 20_000, AGENTS_md="c" * 30_000)
    text = load(path).persona.read().text
    assert "[persona.md goes on: 1 characters are left out]" in text
    assert text.count("b") == 20_000
    assert "[AGENTS.md goes on: 10" in text
    assert len(text) < 60_200


def test_names_are_put_in_their_places_and_the_day_is_not_in_the_text(tmp_path: Path) -> None:
    toml = '[agent]\nname = "arya"\n[owner]\nname = "Ada"\ntimezone = "Pacific/Auckland"\n'
    path = folder(tmp_path, toml=toml, persona_md="{{name}} of {{ owner }}, {{date}}, {{other}}, {name}")
    words = load(path).persona.read()
    assert words.text == "arya of Ada, (the date is told with each message), {{other}}, {name}"
    assert words.note(1_767_225_600.0) == "[Thursday, 2026-01-01]"
    assert words.note(1_767_225_600.0 - 7_200) == "[Thursday, 2026-01-01]", "it is the owner's day"
    assert Persona(("No day.",), "arya").read().note(0.0) == ""


def test_a_changed_file_is_read_again_and_one_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    path = folder(tmp_path, persona_md="One.")
    persona = load(path).persona
    first = persona.read()
    assert persona.read() is first
    (tmp_path / "USER.md").write_text("Ada.")
    assert persona.read().text == "One.\n\nAda."
    (tmp_path / "persona.md").write_bytes(b"\xff\xfe\xff")
    assert persona.read().text == "One.\n\nAda."
    (tmp_path / "persona.md").unlink()
    assert persona.read().text == "One.\n\nAda."
    (tmp_path / "persona.md").write_text("Two.")
    assert persona.read().text == "Two.\n\nAda."


def test_a_persona_of_the_earlier_runtime_brings_its_facts(tmp_path: Path) -> None:
    (tmp_path / "old.persona").write_text('system_prompt = "I am old."\nmemory.name = "Ada"\nmemory.city = "Turin"\n')
    path = folder(tmp_path, toml='[agent]\nname = "arya"\npersona = "old.persona"\n')
    assert load(path).persona.read().text == "I am old.\n\nWhat you know from the start:\n- name: Ada\n- city: Turin"


@pytest.mark.parametrize("wrong", ["system_prompt = 3\n", "memory = 3\n", "system_prompt = \n"])
def test_a_mistake_in_such_a_file_is_told_where_it_was_named(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "old.persona").write_text(wrong)
    with pytest.raises(SettingsError) as caught:
        load(folder(tmp_path, toml='[agent]\nname = "arya"\npersona = "old.persona"\n'))
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (3, "agent.persona")
    assert "old.persona" in problem.message
