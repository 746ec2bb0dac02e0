"""Every file in examples/ is right, as it stands."""

from pathlib import Path

import pytest

from anima.app import describe
from anima.settings import load

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.toml"))


def test_there_is_one_for_each_provider() -> None:
    assert {"openai", "anthropic", "ollama", "local", "fallback", "rust-era"} <= {file.stem for file in FILES}
    assert {load(file).settings.models[0].provider for file in FILES} == {"openai", "anthropic", "ollama", "local"}


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_an_example_is_right_and_says_who_the_agent_is(file: Path) -> None:
    loaded = load(file)
    assert describe(loaded).problems == []
    assert loaded.settings.persona


def test_an_old_file_works_unchanged_and_names_what_is_not_built_yet() -> None:
    loaded = load(EXAMPLES / "rust-era.toml")
    assert loaded.settings.memory.backend == "in_memory"
    assert loaded.settings.observe.verbose
    assert loaded.inactive == ["think.auto_memory", "think.max_memory_entries", "think.reflection"]


def test_a_fallback_has_an_address_and_a_key_of_its_own() -> None:
    first, second, *rest = load(EXAMPLES / "fallback.toml").settings.models
    assert first.base_url is None
    assert (second.base_url, str(second.api_key)) == (
        "https://openrouter.ai/api/v1",
        '{ env = "OPENROUTER_API_KEY" }',
    )
    assert [ref.provider for ref in rest] == ["ollama", "local"]
