"""Runs one command with a clean environment, a time-out that ends its whole process tree, and capped output.

The command belongs to a keeper (`keeper.py`) that outlives this process: after a crash `recover` ends what still
runs, and often finds how it ended. Knows no tool, and does not decide whether a command may run.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anima.sandbox import keeper

_FILE_SIZE = 100_000_000
_PATIENCE = 10.0  # seconds for a keeper to end what it keeps
_USUAL_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Result:
    """How a command ended: `exit` status, `signal` that ended it, or `timeout` in seconds; all None: it never started.

    `output` is what it printed on both streams, at most as many characters as asked for and a notice in the middle.
    """

    output: str
    exit: int | None = None
    signal: int | None = None
    timeout: float | None = None


async def run(argv: Sequence[str], cwd: Path, scratch: Path, timeout: float, cap: int) -> Result | None:
    """Run a command in `cwd` for at most `timeout` seconds; None where nobody can tell how it ended.

    `scratch` is a folder for this command alone, made when it is missing. Cancelling ends the command first.
    """
    make_lasting(scratch)
    environment = clean_environment(cwd, scratch / "home")
    job = {"argv": argv, "cwd": str(cwd), "env": environment, "timeout": timeout, "file_size": _FILE_SIZE}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", keeper.__file__, str(scratch)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout + _PATIENCE):
            await process.communicate(json.dumps(job).encode())
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            await asyncio.shield(_stop(process))
    return _read(scratch, cap)


async def recover(scratch: Path, cap: int) -> Result | None:
    """How a command ended that ran when this runtime's forerunner died; None where nobody can tell.

    Ends it first when it still runs. One that had not started yet never will.
    """
    make_lasting(scratch)
    if keeper.claim(str(scratch), ""):
        return Result("")
    kept_by = (scratch / "pid").read_text()
    if not kept_by:
        return Result("")
    await asyncio.to_thread(_end, kept_by)
    return _read(scratch, cap)


def clean_environment(workspace: Path, home: Path) -> dict[str, str]:
    """All that a command sees of the environment: nothing of the runtime's own but where programs are.

    A relative entry of PATH, or one inside the workspace, would let an agent put its own program before the real one;
    a HOME there, settings that make a granted command run another (`.gitconfig`).
    """
    entries = (Path(entry) for entry in os.environ.get("PATH", _USUAL_PATH).split(":"))
    path = ":".join(str(entry) for entry in entries if entry.is_absolute() and not entry.is_relative_to(workspace))
    return {"PATH": path or _USUAL_PATH, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def make_lasting(folder: Path) -> None:
    """Make a folder that is still there after a power loss."""
    if folder.is_dir():
        return
    make_lasting(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder.parent, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _end(identity: str) -> None:
    """End a keeper and what it keeps, if it is still that process."""
    pid = int(identity.split()[0])
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if keeper.identity(pid) != identity:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(handle, sign)
            if select.select([handle], [], [], _PATIENCE)[0]:
                return
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def _read(scratch: Path, cap: int) -> Result | None:
    """What the keeper wrote down; None without a status."""
    try:
        status = json.loads((scratch / "status").read_text())
    except FileNotFoundError:
        return None
    with (scratch / "output").open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= cap:
            output = file.read().decode(errors="replace")
        else:
            head = file.read(cap // 2).decode(errors="replace")
            file.seek(-(cap // 2), os.SEEK_END)
            tail = file.read().decode(errors="replace")
            output = f"{head}\n[... {size - cap // 2 * 2:,} bytes left out ...]\n{tail}"
    return Result(output, **status)
