"""Keeps one command: starts it, ends all that is left of it, and writes down how it ended.

A process of its own, run by path with the standard library alone, so that it outlives a crash of the runtime and
starts quickly. It reads one JSON object from its standard input (`argv`, `cwd`, `env`, `timeout` in seconds,
`file_size` in bytes) and works in the folder given as its argument:

    pid      who keeps the command: process id, start time, boot; there before the command starts
    output   what the command prints
    status   how it ended, `{"exit": n}`, `{"signal": n}` or `{"timeout": seconds}`; missing where it was stopped

It knows nothing of agents or tools.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_AWAITED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM}


def main(folder: str) -> None:
    job = json.load(sys.stdin)
    output = os.open(f"{folder}/output", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # By default it is thrown away, blocked or not.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    if not claim(folder, identity(os.getpid())):
        return
    child = os.fork()
    if child == 0:
        _become(job, output)
    signal.setitimer(signal.ITIMER_REAL, job["timeout"])
    ending = _wait(child, job["timeout"])
    _end_all(child)
    os.fsync(output)
    if ending:
        _write_whole(f"{folder}/status", json.dumps(ending))


def claim(folder: str, text: str) -> bool:
    """Put the pid file into its folder, unless somebody was first: who does decides about the command."""
    mine = f"{folder}/pid.{os.getpid()}"
    _write(mine, text)
    try:
        os.link(mine, f"{folder}/pid")
    except FileExistsError:
        return False
    finally:
        os.unlink(mine)
    _sync(folder)
    return True


def identity(pid: int) -> str:
    """A process, told apart from any later one with the same id where the system tells when it started."""
    try:
        with open(f"/proc/{pid}/stat") as stat, open("/proc/sys/kernel/random/boot_id") as boot:
            return f"{pid} {stat.read().rpartition(')')[2].split()[19]} {boot.read().strip()}"
    except OSError:
        return f"{pid} ? ?"


def _become(job: Mapping[str, Any], output: int) -> None:
    """Turn this process into the command; never returns."""
    try:
        os.setsid()
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(job["cwd"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_size"], job["file_size"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored_by_python, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        os.execvpe(job["argv"][0], job["argv"], job["env"])
    except FileNotFoundError:
        os.write(2, f"{job['argv'][0]}: not found\n".encode())
        os._exit(127)
    except (OSError, ValueError) as error:
        os.write(2, f"{job['argv'][0]}: {error}\n".encode())
        os._exit(126)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _wait(child: int, timeout: float) -> dict[str, float]:
    """How the command ended; empty when it has to be stopped."""
    while True:
        match signal.sigwait(_AWAITED):
            case signal.SIGTERM:
                return {}
            case signal.SIGALRM:
                return {"timeout": timeout}
        while (reaped := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if reaped[0] == child:
                code = os.waitstatus_to_exitcode(reaped[1])
                return {"exit": code} if code >= 0 else {"signal": -code}


def _end_all(child: int) -> None:
    """Kill every process that descends from this one; orphans come to it, also those with a session of their own."""
    if sys.platform != "linux":
        _kill(-child)
        return
    for _ in range(1000):
        for pid in _descendants(os.getpid()):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.005)


def _descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                parent = int(stat.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found = list(children.get(ancestor, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _write_whole(path: str, text: str) -> None:
    """A file that is there with all its bytes, or not at all, also after a power loss."""
    _write(f"{path}.part", text)
    os.rename(f"{path}.part", path)
    _sync(os.path.dirname(path))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    main(sys.argv[1])
