"""The shell tool, with real commands."""

from pathlib import Path
from typing import Any

import pytest

from anima.tools.files import write_file
from anima.tools.shell import shell
from anima.tools.toolbox import Outcome, Toolbox
from anima.vocabulary import Call

BOX = Toolbox([shell])


def call(root: Path, **arguments: Any) -> Call:
    return Call("shell", arguments, "arya", "cli:main", root / "workspace", "key", scratch=root / "scratch" / "key")


async def run(root: Path, command: str, **arguments: Any) -> Outcome:
    outcome = await BOX.run(call(root, command=command, **arguments))
    assert outcome.label == "untrusted"
    return outcome


async def test_a_command_gives_its_output_and_its_status(tmp_path: Path) -> None:
    assert await run(tmp_path, "echo one") == Outcome(True, "one\n[exit status 0]", "untrusted")


async def test_a_command_that_fails_is_told_with_its_output(tmp_path: Path) -> None:
    assert await run(tmp_path, "echo bad >&2; exit 3") == Outcome(False, "bad\n[exit status 3]", "untrusted")
    assert (await run(tmp_path / "2", "kill -9 $$")).text == "[ended by signal 9]"
    assert (await run(tmp_path / "3", "no-such-program x")).text == "no-such-program: not found\n[exit status 127]"


async def test_a_plain_command_never_meets_a_shell(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "cat /proc/self/cmdline /proc/self/stat")
    assert outcome.text.startswith("cat\x00/proc/self/cmdline\x00")
    parent = await run(tmp_path / "2", "sh -c 'cat /proc/$PPID/cmdline'")
    assert "keeper.py" in parent.text


async def test_a_script_has_a_shell(tmp_path: Path) -> None:
    assert (await run(tmp_path, "for i in 1 2; do echo $i; done | tac")).text == "2\n1\n[exit status 0]"


async def test_a_late_command_is_ended(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "echo begun; sleep 100", seconds=0.2)
    assert outcome == Outcome(False, "begun\n[ended after 0.2 s, with all that it had started]", "untrusted")


@pytest.mark.parametrize("arguments", [{"command": "a\x00b"}, {"command": "ls", "seconds": 600}, {"command": 5}, {}])
async def test_wrong_arguments_run_nothing(tmp_path: Path, arguments: dict[str, Any]) -> None:
    assert not (await BOX.run(call(tmp_path, **arguments))).ok
    assert not (tmp_path / "scratch").exists()


async def test_long_output_stays_within_the_cap_and_keeps_its_last_line(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "seq 1 100000")
    assert outcome.ok
    assert len(outcome.text) <= shell.output_cap
    assert outcome.text.startswith("1\n2\n")
    assert outcome.text.endswith("100000\n[exit status 0]")


async def test_after_a_crash_what_is_known_of_a_command_is_told(tmp_path: Path) -> None:
    assert await BOX.recover(call(tmp_path, command="touch x")) == Outcome(
        False, "the command was interrupted before it began; it has not run", "untrusted"
    )
    await run(tmp_path / "2", "echo one")
    assert await BOX.recover(call(tmp_path / "2", command="echo one")) == Outcome(
        True, "one\n[exit status 0]", "untrusted"
    )
    (tmp_path / "3" / "scratch" / "key").mkdir(parents=True)
    (tmp_path / "3" / "scratch" / "key" / "pid").write_text("4194304 1 other")
    assert await BOX.recover(call(tmp_path / "3", command="sleep 100")) is None


async def test_git_settings_written_by_an_agent_run_nothing(tmp_path: Path) -> None:
    """A grant for `git status` must not become one for whatever a `.gitconfig` names."""
    workspace, marker = tmp_path / "workspace", tmp_path / "owned"
    workspace.mkdir()
    (workspace / ".gitconfig").write_text(f'[core]\n\tfsmonitor = "touch {marker}; false"\n')
    await run(tmp_path, "git status")
    assert not marker.exists()


@pytest.mark.parametrize("path", [".git/config", "deep/.git/hooks/pre-commit", ".GIT/HEAD"])
async def test_gits_own_files_cannot_be_written(tmp_path: Path, path: str) -> None:
    written = {"path": path, "content": "x"}
    outcome = await Toolbox([write_file]).run(Call("write_file", written, "arya", "cli:main", tmp_path, "key"))
    assert not outcome.ok
    assert "git" in outcome.text
