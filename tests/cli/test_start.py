"""What the program answers without running any command."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from anima.cli import COMMANDS
from tests.cli.program import Anima

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_package_s(anima: Anima) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert anima("--version").out == f"anima {version}\n"


def test_anima_alone_and_help_print_the_same_overview_of_all_commands(anima: Anima) -> None:
    alone, help = anima(), anima("--help")
    assert (alone.status, alone.err) == (0, "")
    assert alone.out == help.out
    assert all(name in help.out for name in COMMANDS)


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_answering_without_a_command_imports_nothing_heavy(word: str) -> None:
    program = f"import sys; sys.argv = ['anima', {word!r}]; from anima.cli import main; main(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"click", "asyncio", "pydantic", "rich", "json", "typing", "dataclasses", "re"} & set(loaded)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_an_example(here: Anima, name: str) -> None:
    help = here(name, "--help")
    assert help.status == 0
    assert "Example" in help.out
    assert f"anima {name} " in help.out


def test_a_plural_is_the_same_command(here: Anima) -> None:
    assert here("turns", "list", "--json").document == {"ok": True, "items": []}


def test_an_unknown_command_names_the_nearest(here: Anima) -> None:
    wrong = here("trun")
    assert wrong.status == 2
    assert wrong.err == "error: there is no command 'trun'\n  hint: did you mean `anima run`?\n"


def test_a_wrong_option_is_one_document_with_json(here: Anima) -> None:
    wrong = here("turn", "list", "--limit", "many", "--json")
    assert wrong.status == 2
    assert wrong.document["ok"] is False
    assert wrong.document["error"]["type"] == "usage_error"
    assert wrong.err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(here: Anima, shell: str) -> None:
    script = here("completion", shell)
    assert script.status == 0
    assert "_ANIMA_COMPLETE" in script.out


def test_pressing_tab_completes_commands(anima: Anima) -> None:
    done = anima(_ANIMA_COMPLETE="bash_complete", COMP_WORDS="anima do", COMP_CWORD="1")
    assert done.out == "plain,doctor\n"


def test_a_closed_pipe_ends_quietly(surroundings: dict[str, str]) -> None:
    program = "import sys; sys.argv = ['anima', 'completion', 'bash']; from anima.cli import main; sys.exit(main())"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=surroundings,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
