"""The file tools: what an agent does with its own workspace."""

import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from pydantic import Field

from anima.errors import ToolError
from anima.sandbox.command import make_lasting
from anima.tools.tool import tool
from anima.tools.workspace import Workspace, open_file
from anima.vocabulary import Call

_MOST = 10_000_000  # bytes of a file that are read at once
_FOUND = 200  # matches of a search
_LINE = 300  # characters shown of a matching line

Line = Annotated[int | None, Field(ge=1)]


@tool(effect="read", result="trusted")
def read_file(path: str, call: Call, start: Line = None, end: Line = None) -> str:
    """Read a text file of the workspace, whole or some of its lines.

    path: relative to the workspace
    start: first line to read, counted from 1
    end: last line to read
    """
    with Workspace(call.workspace).file(path) as file:
        whole = start is None and end is None
        return _text(_whole(file, path) if whole else _lines(file, start or 1, end, path), path)


@tool(effect="idempotent", result="trusted")
def write_file(path: str, content: str, call: Call) -> str:
    """Write a text file of the workspace, made or replaced as a whole.

    path: relative to the workspace; folders above it are made
    content: all of its text
    """
    data = content.encode()
    Workspace(call.workspace).write(path, data, _token(call))
    return f"wrote {len(data):,} bytes to {path}"


@tool(effect="idempotent", result="trusted")
def edit_file(path: str, old: str, new: str, call: Call) -> str:
    """Replace a piece of text in a file of the workspace.

    path: relative to the workspace
    old: the text to replace, exactly as it stands there; it must occur once
    new: the text to put there
    """
    workspace = Workspace(call.workspace)
    with workspace.file(path) as file:
        before = _whole(file, path)
    done = f"replaced {len(old):,} characters in {path} by {len(new):,}"
    intent = _recall(call)
    if intent is None:
        after = _replaced(before, old.encode(), new.encode(), path)
        _note(call, [_hash(before), _hash(after)])
    elif _hash(before) == intent[1]:
        return done
    elif _hash(before) == intent[0]:
        after = _replaced(before, old.encode(), new.encode(), path)
    else:
        raise ToolError(f"{path!r} was changed by something else while this edit was interrupted", "read it again")
    workspace.write(path, after, _token(call))
    return done


@tool(effect="read", result="trusted")
def list_files(call: Call, path: str = ".") -> str:
    """List a folder of the workspace: a name a line, folders with a slash at the end.

    path: relative to the workspace
    """
    with Workspace(call.workspace).folder(path) as folder, os.scandir(folder) as entries:
        names = sorted(entry.name + _mark(entry) for entry in entries)
    return "\n".join(names) or "(empty)"


# A hostile pattern takes for ever and cannot be interrupted in a thread: hence a process of its own.
@tool(effect="read", result="trusted", isolate=True)
def search_files(pattern: str, call: Call, path: str = ".") -> str:
    """Search the text files of the workspace; gives `path:line: text` for each matching line.

    pattern: a regular expression, in Python's syntax
    path: a file, or a folder to search with all below it
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ToolError(f"{pattern!r} is no regular expression: {error}") from error
    found = list(itertools.islice(_search(Workspace(call.workspace), path, wanted), _FOUND + 1))
    more = ["[... there are more matches: narrow the pattern or the path ...]"] if len(found) > _FOUND else []
    return "\n".join(found[:_FOUND] + more) or "no match"


def _search(workspace: Workspace, path: str, wanted: re.Pattern[str]) -> Iterator[str]:
    try:
        with workspace.folder(path) as top:
            for where, folders, names, folder in os.fwalk(".", dir_fd=top):
                folders[:] = sorted(name for name in folders if name != ".git")
                for name in sorted(names):
                    shown = os.path.normpath(os.path.join(path, where, name))
                    yield from _search_file(folder, name, shown, wanted)
    except ToolError:
        with workspace.file(path) as file:
            yield from _matches(file, path, wanted)


def _search_file(folder: int, name: str, shown: str, wanted: re.Pattern[str]) -> Iterator[str]:
    try:
        with open_file(folder, name) as file:
            yield from _matches(file, shown, wanted)
    except (OSError, ToolError):
        return  # A link, a pipe, or gone by now.


def _matches(file: BinaryIO, shown: str, wanted: re.Pattern[str]) -> Iterator[str]:
    data = file.read(_MOST)
    if b"\0" in data:
        return
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        if wanted.search(line):
            yield f"{shown}:{number}: {line[:_LINE]}"


def _whole(file: BinaryIO, path: str) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if size > _MOST:
        raise ToolError(f"{path!r} has {size:,} bytes", "read some of its lines, with start and end")
    return file.read(_MOST)


def _lines(file: BinaryIO, start: int, end: int | None, path: str) -> bytes:
    """The lines from `start` to `end`, both counted from 1 and both among them."""
    if end is not None and end < start:
        raise ToolError(f"end ({end}) comes before start ({start})")
    kept, size = [], 0
    for line in itertools.islice(file, start - 1, end):
        size += len(line)
        if size > _MOST:
            raise ToolError(f"these lines of {path!r} have more than {_MOST:,} bytes", "read fewer of them")
        kept.append(line)
    if not kept and start > 1:
        file.seek(0)
        raise ToolError(f"{path!r} has {sum(1 for _ in file):,} lines only")
    return b"".join(kept)


def _text(data: bytes, path: str) -> str:
    if b"\0" in data:
        raise ToolError(f"{path!r} is no text: {len(data):,} bytes")
    return data.decode(errors="replace")


def _replaced(data: bytes, old: bytes, new: bytes, path: str) -> bytes:
    count = data.count(old) if old else 0
    if count == 1:
        return data.replace(old, new)
    if not old:
        raise ToolError("old is empty", "give the text to replace; write_file makes a new file")
    if not count:
        raise ToolError(f"old does not occur in {path!r}", "read the file and copy the text exactly, spaces included")
    raise ToolError(f"old occurs {count} times in {path!r}", "give more of the text around it")


def _mark(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return " (link, not followed)"
    return "/" if entry.is_dir(follow_symlinks=False) else ""


def _token(call: Call) -> str:
    return _hash(call.effect_key.encode())[:16]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _note(call: Call, hashes: list[str]) -> None:
    """Write down, before an edit, the hashes of the file before and after it."""
    make_lasting(call.scratch)
    Workspace(call.scratch).write("edit", json.dumps(hashes).encode(), _token(call))


def _recall(call: Call) -> list[str] | None:
    """What an earlier attempt of this edit wrote down."""
    try:
        hashes: list[str] = json.loads((call.scratch / "edit").read_text())
    except FileNotFoundError:
        return None
    return hashes
