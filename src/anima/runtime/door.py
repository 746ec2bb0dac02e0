"""The control door: a unix socket by which other processes of the same person ask the owner of an agent for something.

One JSON object in, one or several lines out: `{"do": "stop_turn", "turn": "t17"}` is answered by `{"ok": true}`, or by
an error document. Only the socket's own user is let in, whatever the file's mode says. This module does not know what
the wishes mean.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from anima.errors import AnimaError, UsageError

Wish = Mapping[str, object]
Line = dict[str, object]
Answer = Callable[[Wish], AsyncGenerator[Line, None]]

LONGEST_PATH = 100
"""Bytes of a socket's path; the kernel's own limit is 108."""
LONGEST_WISH = 1_000_000
LONGEST_LINE = 64_000_000


def door_of(folder: Path) -> Path:
    """Where the door of the agent in `folder` is: there, or in the run-time folder when that path is too long."""
    door = folder.absolute() / ".door"
    if len(os.fsencode(door)) <= LONGEST_PATH:
        return door
    place = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    name = hashlib.sha256(os.fsencode(door)).hexdigest()[:16]
    return Path(place) / f"anima-{os.getuid()}-{name}.door"


@contextlib.asynccontextmanager
async def open_door(path: Path, answer: Answer) -> AsyncIterator[None]:
    """Answer wishes at `path` while the block runs. Whoever opens it owns the agent, so an old socket is a dead one."""
    path.unlink(missing_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        server = await asyncio.start_unix_server(
            lambda reader, writer: _serve(reader, writer, answer), sock=listener, limit=LONGEST_WISH
        )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            server.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        if _peer(writer) == os.getuid():
            async with contextlib.aclosing(_reply(await reader.readline(), answer)) as lines:
                async for line in lines:
                    writer.write(json.dumps(line, default=str).encode() + b"\n")
                    await writer.drain()
    except (OSError, ValueError):
        pass  # whoever asked has gone, or never stopped talking
    finally:
        writer.close()


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user at the other end, as the kernel knows them; -1 where it cannot tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()  # macOS: the file's mode is the guard
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", raw)[1])


async def _reply(line: bytes, answer: Answer) -> AsyncGenerator[Line, None]:
    try:
        try:
            wish = json.loads(line)
        except ValueError:
            wish = None
        if not isinstance(wish, dict):
            raise UsageError("a wish is one JSON object")
        async with contextlib.aclosing(answer(wish)) as told:
            async for each in told:
                yield {"ok": True, **each}
    except AnimaError as error:
        named = {"type": error.type, "message": error.message, "hint": error.hint}
        yield {**error.details, "ok": False, "error": named}


def knock(path: Path, wish: Wish, seconds: float = 10.0) -> Line | None:
    """Ask the owner behind the door; None when nobody is there, or nobody answers in time."""
    try:
        return next(talk(path, wish, seconds), None)
    except TimeoutError:
        return None


def talk(path: Path, wish: Wish, seconds: float | None) -> Iterator[Line]:
    """Every line of the answer; none when nobody is there. Raises TimeoutError after so many seconds of silence."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as door:
        door.settimeout(seconds)
        try:
            door.connect(str(path))
            door.sendall(json.dumps(wish).encode() + b"\n")
            with door.makefile("rb") as reply:
                for line in reply:
                    yield dict(json.loads(line))
        except TimeoutError:
            raise
        except (OSError, ValueError):
            return


async def listen(path: Path, wish: Wish) -> AsyncGenerator[Line, None]:
    """As `talk`, on the loop, and for as long as somebody answers."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=LONGEST_LINE)
    except OSError:
        return
    try:
        writer.write(json.dumps(wish).encode() + b"\n")
        while line := await reader.readline():
            yield dict(json.loads(line))
    except (OSError, ValueError):
        return
    finally:
        writer.close()
