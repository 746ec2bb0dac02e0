"""What a right file comes to: defaults, a home's shares, paths, persona, models, sources, keys of tomorrow."""

from pathlib import Path
from typing import Any

import pytest

from anima.settings import ModelRef, Price, Secret, load
from tests.settings.conftest import Written


def test_the_smallest_file_is_a_name(written: Written, tmp_path: Path) -> None:
    settings = written("").settings
    assert settings.agent.name == "arya"
    assert settings.models == (ModelRef("local", "SmolLM2-135M-Instruct"),)
    assert settings.persona == ""
    assert settings.agent.workspace == tmp_path / "workspace"
    assert settings.agent.parallel == 4
    assert (settings.limits.seconds, settings.limits.dollars_per_day) == (120.0, 5.0)
    assert settings.retry.event_delays == (1.0, 10.0, 60.0)


def test_models_are_asked_in_the_order_written(written: Written, tmp_path: Path) -> None:
    loaded = written(
        """
        [llm]
        provider = "openai"
        model = "gpt-5"
        base_url = "https://api.example.com/v1/"
        api_key = { file = "key" }
        price = { input = 1, output = 2.5 }
        fallback = ["ollama/qwen3:8b", "local", { provider = "local", model = "big.gguf", timeout = "5m" }]
        """
    )
    first, *rest = loaded.settings.models
    assert first == ModelRef(
        "openai",
        "gpt-5",
        base_url="https://api.example.com/v1",
        api_key=Secret("file", str(tmp_path / "key")),
        price=Price(1.0, 2.5),
    )
    assert [ref.name for ref in rest] == [
        "ollama/qwen3:8b",
        "local/SmolLM2-135M-Instruct",
        f"local/{tmp_path}/big.gguf",
    ]
    assert rest[2].timeout == 300.0


@pytest.mark.parametrize(
    ("text", "seconds"), [('"30s"', 30), ('"5m"', 300), ('"1h"', 3600), ('"0.5h"', 1800), ("90", 90), ("0.5", 0.5)]
)
def test_durations_are_written_as_people_do(written: Written, text: str, seconds: float) -> None:
    assert written(f"[limits]\nseconds = {text}").settings.limits.seconds == seconds


def test_paths_are_relative_to_the_file(written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    loaded = written('workspace = "work"\n[memory]\npath = "~/old.db"\n')
    assert loaded.settings.agent.workspace == tmp_path / "work"
    assert loaded.settings.memory.path == Path("/elsewhere/old.db")


def test_a_file_named_relatively_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('[agent]\nname = "arya"\n')
    monkeypatch.chdir(tmp_path)
    assert load(Path("config.toml")).settings.agent.workspace == tmp_path / "workspace"


def test_a_persona_is_read_from_its_file(written: Written, tmp_path: Path) -> None:
    (tmp_path / "me.md").write_text("Dry, brief, kind.\n")
    loaded = written('persona = "me.md"\n')
    assert loaded.settings.persona == "Dry, brief, kind."
    assert loaded.sources["agent.system_prompt"] == "config.toml:3"


@pytest.mark.parametrize("name", ["persona.md", "SOUL.md"])
def test_a_persona_beside_the_file_is_found(written: Written, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Found.")
    loaded = written("")
    assert loaded.settings.persona == "Found."
    assert loaded.sources["agent.system_prompt"] == name


def test_a_system_prompt_leaves_the_persona_beside_it_unread(written: Written, tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("Not me.")
    assert written('system_prompt = "Me."\n').settings.persona == "Me."


def test_an_agents_file_overrides_its_home_key_by_key(written: Written) -> None:
    loaded = written(
        "[think]\nhistory_turns = 3\n",
        home='[defaults.think]\nmax_iterations = 7\nhistory_turns = 9\n[owner]\nname = "Ana"\n'
        "[observe]\nverbose = true\n",
    )
    assert (loaded.settings.think.max_iterations, loaded.settings.think.history_turns) == (7, 3)
    assert loaded.settings.owner.name == "Ana"
    assert loaded.settings.observe.verbose
    assert loaded.sources["think.max_iterations"] == "anima.toml:2"
    assert loaded.sources["think.history_turns"] == "config.toml:4"
    assert loaded.sources["think.reflection"] == "default"
    assert loaded.sources["owner.name"] == "anima.toml:5"


SHARED_LLM = """
[defaults.llm]
provider = "openai"
model = "gpt-5"
base_url = "https://api.example.com"
fallback = ["local"]
"""


def test_another_model_of_the_same_provider_keeps_its_address(written: Written) -> None:
    first, last = written('[llm]\nmodel = "gpt-6"\n', home=SHARED_LLM).settings.models
    assert (first.name, first.base_url) == ("openai/gpt-6", "https://api.example.com")
    assert last.provider == "local"


def test_another_provider_does_not_inherit_the_first_ones_address(written: Written) -> None:
    loaded = written('[llm]\nprovider = "ollama"\nmodel = "qwen3:8b"\n', home=SHARED_LLM)
    first, last = loaded.settings.models
    assert first == ModelRef("ollama", "qwen3:8b")
    assert last.provider == "local"
    assert loaded.sources["llm.base_url"] == "default"
    assert loaded.sources["llm.fallback"] == "anima.toml:6"


def test_parallel_may_stand_with_the_runtime(written: Written) -> None:
    loaded = written("", home="[runtime]\nparallel = 32\n")
    assert loaded.settings.agent.parallel == 32
    assert loaded.sources["agent.parallel"] == "anima.toml:2"


def test_an_agents_own_parallel_wins(written: Written) -> None:
    assert written("parallel = 1\n", home="[runtime]\nparallel = 32\n").settings.agent.parallel == 1


TOMORROW = """
[think]
auto_memory = true
max_memory_entries = 10
reflection = false
[limits]
tokens_per_day = 1000
dollars_per_day = 2
[memory]
embeddings = "small"
[timer]
every = "30m"
message = "Look around."
[peers]
may_tell = ["gendry"]
[approvals]
approvers = ["owner"]
expires = "24h"
[workspace]
trusted = ["*.md"]
[runtime]
stop_timeout = "10s"
[store]
low_water = "100MB"
backups = 7
keep_contexts = "2d"
[web]
port = 0
[channels.telegram]
token = { env = "TELEGRAM_TOKEN" }
[[triggers]]
name = "morning"
cron = "0 7 * * *"
[cluster]
name = "two"
"""


def test_keys_of_tomorrow_are_accepted_and_each_named_once(written: Written) -> None:
    assert written(TOMORROW).inactive == [
        "memory.embeddings",
        "think.auto_memory",
        "think.max_memory_entries",
        "think.reflection",
        "limits.tokens_per_day",
        "limits.dollars_per_day",
        "store.keep_contexts",
        *("approvals", "channels", "triggers", "cluster", "workspace"),
    ]


def test_keys_of_tomorrow_that_nobody_wrote_are_not_named(written: Written) -> None:
    assert written("[think]\nmax_iterations = 3\n").inactive == []


def test_every_key_has_a_source(written: Written) -> None:
    loaded = written("")
    tables = (
        "agent",
        "llm",
        "tools",
        "memory",
        "think",
        "retry",
        "limits",
        "observe",
        "owner",
        "runtime",
        "store",
        "peers",
        "web",
    )
    assert set(loaded.sources) == {
        f"{table}.{key}" for table in tables for key in type(getattr(loaded.settings, table)).model_fields
    }


def test_another_room_can_tell_a_mistake_where_it_stands(written: Written) -> None:
    loaded = written('[tools]\nenabled = [\n  "echo",\n  "ecko",\n]\n')
    problem = loaded.problem("tools.enabled", "there is no tool ecko", item="ecko")
    assert (problem.line, problem.key) == (6, "tools.enabled[1]")
    assert loaded.problem("tools.enabled", "too many").line == 4
    assert loaded.problem("tools.grants", "none").line is None


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('\ufeff[agent]\r\nname = "arya"\r\nsystem_prompt = """a\r\nb"""\r\n'.encode())
    assert load(path).settings.persona == "a\nb"


def test_the_schema_describes_every_key() -> None:
    from anima.settings import AgentSettings, HomeSettings, schema

    for kind in (AgentSettings, HomeSettings):
        document = schema(kind)
        tables: dict[str, Any] = document["$defs"]
        assert document["properties"]
        assert [name for name, table in tables.items() if not table.get("description")] == []
        undescribed = [
            f"{name}.{key}"
            for name, table in tables.items()
            if name != "Defaults"
            for key, property in table["properties"].items()
            if not property.get("description")
        ]
        assert undescribed == []
