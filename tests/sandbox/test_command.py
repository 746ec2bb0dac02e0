"""Commands as real processes: their environment, their end, what they leave behind, and crashes of the runtime."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anima.sandbox.command import Result, clean_environment, recover, run

SLEEPER = "sleep 300.{tag}"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch" / "t1.1.1"


async def shell(script: str, workspace: Path, scratch: Path, timeout: float = 20, cap: int = 10_000) -> Result | None:
    return await run(["/bin/sh", "-c", script], workspace, scratch, timeout, cap)


def alive(tag: str) -> list[int]:
    """The processes with the tag in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if tag.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.fixture
def tag(tmp_path: Path) -> str:
    return str(abs(hash(tmp_path)))[:9] + str(os.getpid())


@pytest.fixture
def ready(workspace: Path) -> Path:
    """A pipe by which a command says how far it is; opening it waits for the other side."""
    os.mkfifo(workspace / "ready")
    return workspace / "ready"


async def test_a_command_gives_its_output_and_its_exit_status(workspace: Path, scratch: Path) -> None:
    assert await shell("echo out; echo err >&2; exit 3", workspace, scratch) == Result("out\nerr\n", exit=3)


async def test_an_argv_is_run_without_a_shell(workspace: Path, scratch: Path) -> None:
    result = await run(["echo", "$HOME", "*", ";", "id"], workspace, scratch, 20, 1000)
    assert result == Result("$HOME * ; id\n", exit=0)


@pytest.mark.parametrize(("argv", "exit"), [(["no-such-program"], 127), (["./script"], 126), (["/"], 126)])
async def test_a_program_that_cannot_be_run_ends_as_in_a_shell(
    argv: list[str], exit: int, workspace: Path, scratch: Path
) -> None:
    (workspace / "script").write_text("not executable")
    result = await run(argv, workspace, scratch, 20, 1000)
    assert result is not None
    assert result.exit == exit
    assert argv[0] in result.output


async def test_a_command_sees_four_variables_and_no_secret(
    workspace: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    result = await run([sys.executable, "-c", "import os; print(sorted(os.environ))"], workspace, scratch, 20, 1000)
    assert result is not None
    names = set(json.loads(result.output.replace("'", '"'))) - {"LC_CTYPE"}
    assert names == {"HOME", "LANG", "PATH", "TERM"}


async def test_no_parent_of_a_command_holds_the_environment_of_the_runtime(
    workspace: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    result = await shell("cat /proc/$PPID/environ", workspace, scratch)
    assert result is not None
    assert "canary" not in result.output


def test_the_path_has_no_entry_an_agent_can_write_to(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f".:/usr/bin::{workspace}/bin:bin:/bin")
    assert clean_environment(workspace, workspace.parent)["PATH"] == "/usr/bin:/bin"
    monkeypatch.setenv("PATH", ".")
    assert clean_environment(workspace, workspace.parent)["PATH"] == "/usr/local/bin:/usr/bin:/bin"


async def test_a_command_inherits_no_open_file(workspace: Path, scratch: Path, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        result = await shell("ls -l /proc/self/fd", workspace, scratch)
    assert result is not None
    assert "secret" not in result.output


async def test_a_command_works_in_its_workspace_and_has_no_input(workspace: Path, scratch: Path) -> None:
    result = await shell("pwd; cat; echo $HOME", workspace, scratch)
    assert result == Result(f"{workspace}\n{scratch}/home\n", exit=0)  # nobody can leave settings in that HOME


async def test_a_time_out_ends_the_command_and_keeps_its_output(workspace: Path, scratch: Path, tag: str) -> None:
    result = await shell(f"echo before; {SLEEPER.format(tag=tag)}", workspace, scratch, timeout=0.3)
    assert result == Result("before\n", timeout=0.3)
    assert alive(tag) == []


@pytest.mark.parametrize(
    "script",
    [
        "({sleep} & {sleep} & wait)",
        "nohup {sleep} >/dev/null 2>&1 & {sleep}",
        "setsid {sleep} & {sleep}",
        "setsid sh -c 'setsid {sleep} & setsid {sleep} & exit' & {sleep}",
        "trap '' TERM INT HUP; {sleep}; {sleep}",
    ],
)
async def test_a_time_out_ends_the_whole_process_tree(script: str, workspace: Path, scratch: Path, tag: str) -> None:
    await shell(script.format(sleep=SLEEPER.format(tag=tag)), workspace, scratch, timeout=0.5)
    assert alive(tag) == []


async def test_a_command_that_ends_leaves_no_daemon_behind(workspace: Path, scratch: Path, tag: str) -> None:
    result = await shell(f"setsid {SLEEPER.format(tag=tag)} & echo started", workspace, scratch)
    assert result == Result("started\n", exit=0)
    assert alive(tag) == []


async def test_a_command_that_kills_its_keeper_ends_with_it_and_is_unknown(
    workspace: Path, scratch: Path, tag: str
) -> None:
    assert await shell(f"kill -KILL $PPID; exec {SLEEPER.format(tag=tag)}", workspace, scratch) is None
    for pid in alive(tag):  # Told to die, and perhaps not dead yet.
        process = os.pidfd_open(pid)
        assert select.select([process], [], [], 20)[0]
        os.close(process)


async def test_a_command_killed_by_a_signal_says_which(workspace: Path, scratch: Path) -> None:
    assert await shell("kill -SEGV $$", workspace, scratch) == Result("", signal=signal.SIGSEGV)


async def test_long_output_keeps_its_head_and_its_tail(workspace: Path, scratch: Path) -> None:
    result = await shell("seq 1 200000", workspace, scratch, cap=1000)
    assert result is not None
    assert result.output.startswith("1\n2\n3\n")
    assert result.output.endswith("199999\n200000\n")
    assert "bytes left out" in result.output
    assert len(result.output) < 1100


async def test_output_without_end_stops_at_the_file_limit(
    workspace: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anima.sandbox.command._FILE_SIZE", 100_000)
    result = await shell("exec yes", workspace, scratch)
    assert result is not None
    assert result.signal == signal.SIGXFSZ
    assert (scratch / "output").stat().st_size == 100_000


async def test_bytes_that_are_no_text_are_shown_as_such(workspace: Path, scratch: Path) -> None:
    assert await shell(r"printf 'a\377b'", workspace, scratch) == Result("a\ufffdb", exit=0)


async def test_cancelling_ends_the_command_first(workspace: Path, scratch: Path, tag: str, ready: Path) -> None:
    script = f"setsid {SLEEPER.format(tag=tag)} & echo > ready; wait"
    task = asyncio.ensure_future(shell(script, workspace, scratch))
    await asyncio.to_thread(ready.read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(tag) == []
    assert not (scratch / "status").exists()


CRASHER = """
import asyncio, sys
from pathlib import Path
from anima.sandbox.command import run
script, workspace, scratch = sys.argv[1:]
asyncio.run(run(["/bin/sh", "-c", script], Path(workspace), Path(scratch), 60, 1000))
"""


def crash_while_running(script: str, workspace: Path, scratch: Path) -> None:
    """Run a command in a runtime that is killed as soon as the command writes into the pipe `ready`."""
    argv = [sys.executable, "-c", CRASHER, script, str(workspace), str(scratch)]
    with subprocess.Popen(argv) as runtime:
        (workspace / "ready").read_text()
        runtime.kill()


async def test_after_a_crash_a_command_that_still_runs_is_ended_and_unknown(
    workspace: Path, scratch: Path, tag: str, ready: Path
) -> None:
    crash_while_running(f"setsid {SLEEPER.format(tag=tag)} & echo > ready; wait", workspace, scratch)
    assert await recover(scratch, 1000) is None
    assert alive(tag) == []


async def test_after_a_crash_a_command_that_ended_meanwhile_is_known(
    workspace: Path, scratch: Path, ready: Path
) -> None:
    crash_while_running("echo > ready; cat ready; exit 4", workspace, scratch)
    keeper = os.pidfd_open(int((scratch / "pid").read_text().split()[0]))
    ready.write_text("done")
    select.select([keeper], [], [])
    os.close(keeper)
    assert await recover(scratch, 1000) == Result("done", exit=4)
    assert await recover(scratch, 1000) == Result("done", exit=4)


async def test_a_command_that_had_not_started_never_will(workspace: Path, scratch: Path) -> None:
    assert await recover(scratch, 1000) == Result("")
    assert await recover(scratch, 1000) == Result("")
    assert await shell("touch marker", workspace, scratch) is None
    assert not (workspace / "marker").exists()


async def test_recovery_leaves_another_process_with_the_same_id_alone(scratch: Path) -> None:
    scratch.mkdir(parents=True)
    bystander = await asyncio.create_subprocess_exec("sleep", "300")
    (scratch / "pid").write_text(f"{bystander.pid} 12345 another-boot")
    assert await recover(scratch, 1000) is None
    assert bystander.returncode is None
    bystander.kill()
    assert await bystander.wait() == -signal.SIGKILL
