"""`anima config`: the real program."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Anima

GOOD = """
[agent]
name = "arya"
system_prompt = "Brief."
[llm]
provider = "openai"
model = "gpt-5"
api_key = { env = "SOME_KEY" }
[tools]
enabled = ["read_file", "shell"]
grants = ["shell:git status"]
[think]
auto_memory = true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    return path


def test_a_right_file_is_ok_and_what_is_not_active_yet_is_said_aside(anima: Anima, file: Path) -> None:
    done = anima("config", "check", file)
    assert (done.status, done.out) == (0, "ok\n")
    assert done.err == "note: think.auto_memory is not active yet\n"


def test_check_as_a_document(anima: Anima, file: Path) -> None:
    done = anima("config", "check", file, "--json")
    assert done.document == {"ok": True, "file": str(file), "inactive": ["think.auto_memory"]}


def test_mistakes_are_told_together_each_on_its_line(anima: Anima, file: Path) -> None:
    file.write_text(GOOD.replace("name =", "nmae =").replace("auto_memory = true", "max_iterations = 0"))
    done = anima("config", "check", file)
    assert (done.status, done.out) == (2, "")
    assert f"error: {file}:3: agent.nmae: unknown key (did you mean name?)\n" in done.err
    assert f"error: {file}:13: think.max_iterations: must be at least 1\n" in done.err


def test_mistakes_as_a_document(anima: Anima, file: Path) -> None:
    file.write_text(GOOD.replace("auto_memory = true", "max_iterations = 0"))
    done = anima("config", "check", file, "--json")
    assert done.status == 2
    assert done.document["ok"] is False
    assert done.document["error"]["type"] == "settings_error"
    assert done.document["problems"] == [
        {"file": str(file), "line": 13, "key": "think.max_iterations", "message": "must be at least 1", "hint": ""}
    ]


def test_a_tool_that_does_not_exist_is_named_with_the_nearest(anima: Anima, file: Path) -> None:
    file.write_text(GOOD.replace('"read_file"', '"raed_file"'))
    done = anima("config", "check", file)
    assert done.status == 2
    assert "config.toml:10: tools.enabled" in done.err
    assert "did you mean read_file?" in done.err


def test_a_homes_shared_file_is_checked_too(anima: Anima, home: Path, file: Path) -> None:
    home.mkdir()
    shared = home / "anima.toml"
    shared.write_text("[defaults.think]\nmax_iteration = 3\n")
    for checked in (shared, file):
        done = anima("config", "check", checked)
        assert done.status == 2
        assert f"error: {shared}:2: defaults.think.max_iteration: unknown key" in done.err


def test_show_tells_every_value_and_where_it_comes_from(anima: Anima, home: Path, file: Path) -> None:
    home.mkdir()
    (home / "anima.toml").write_text("[defaults.think]\nmax_iterations = 3\n")
    lines = [line.split(maxsplit=1) for line in anima("config", "show", file).out.splitlines()]
    shown = {key: rest.rsplit("  ", 1) for key, rest in lines}
    assert [part.strip() for part in shown["agent.name"]] == ['"arya"', "config.toml:3"]
    assert [part.strip() for part in shown["think.max_iterations"]] == ["3", "anima.toml:2"]
    assert [part.strip() for part in shown["limits.seconds"]] == ["120", "default"]
    assert [part.strip() for part in shown["llm.api_key"]] == ['{ env = "SOME_KEY" }', "config.toml:8"]


def test_show_as_a_document_hides_secrets(anima: Anima, file: Path) -> None:
    done = anima("config", "show", file, "--json", SOME_KEY="open sesame")
    items = {item["key"]: item for item in done.document["items"]}
    assert items["llm.api_key"] == {"key": "llm.api_key", "value": {"env": "SOME_KEY"}, "source": "config.toml:8"}
    assert items["retry.event_delays"]["value"] == [1.0, 10.0, 60.0]
    assert "sesame" not in done.out + done.err


def test_show_of_a_wrong_file_is_an_error(anima: Anima, tmp_path: Path) -> None:
    done = anima("config", "show", tmp_path / "config.toml")
    assert done.status == 2
    assert "there is no such file" in done.err


@pytest.mark.parametrize(("option", "table"), [((), "agent"), (("--shared",), "defaults")])
def test_the_schema_is_one_document_for_editors(anima: Anima, option: tuple[str, ...], table: str) -> None:
    schema = json.loads(anima("config", "schema", *option).out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert table in schema["properties"]
    assert schema["additionalProperties"] is False
