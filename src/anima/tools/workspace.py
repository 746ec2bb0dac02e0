"""The files of one agent, and no others: every path is walked by folder handles, and no link is followed.

What a path means cannot change between looking and doing, since only handles are used after each look. Writing is
atomic and lasting. This module knows no tools; its errors are for a model to read.
"""

import contextlib
import os
import stat
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from anima.errors import ToolError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_LONGEST = 1000  # Handles have no limit, but what is made deeper than 4,096 characters nobody else can name.


class Workspace:
    """A folder; made, when it is missing, by whatever needs it first. Paths are relative to it, or absolute within."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def folder(self, path: str) -> Generator[int]:
        """A handle of a folder."""
        with _explained(path), self._walk(self._parts(path)) as handle:
            yield handle

    @contextlib.contextmanager
    def file(self, path: str) -> Generator[BinaryIO]:
        """A regular file, open for reading bytes. Opening never waits, whatever lies there."""
        *parents, name = self._parts(path) or ("",)
        with _explained(path), self._walk(parents) as handle:
            if not name:
                raise IsADirectoryError
            with open_file(handle, name) as file:
                yield file

    def write(self, path: str, data: bytes, token: str) -> None:
        """Put a whole file there, made or replaced in one go, with the folders above it.

        `token` names the unfinished file beside it: the same on every attempt, so that none is left behind.
        """
        *parents, name = self._parts(path) or ("",)
        if any(part.casefold() == ".git" for part in (*parents, name)):
            raise ToolError(f"{path!r} is git's own", "what is written there can run commands; use git itself")
        with _explained(path), self._walk(parents, make=True) as handle:
            if not name:
                raise IsADirectoryError
            mode = _mode_of(handle, name)
            part = f".{token}.part"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part, dir_fd=handle)
            try:
                _write_lasting(handle, part, data, mode)
                os.rename(part, name, src_dir_fd=handle, dst_dir_fd=handle)
            except OSError:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=handle)
                raise
            os.fsync(handle)

    def _parts(self, path: str) -> tuple[str, ...]:
        """The names from the root down to the path."""
        if len(path) > _LONGEST:
            raise ToolError(f"a path may have {_LONGEST:,} characters")
        pure = PurePosixPath(path)
        if pure.is_absolute():
            within = [root for root in (self._root.absolute(), self._root.resolve()) if pure.is_relative_to(root)]
            if not within:
                raise ToolError(f"{path!r} is outside the workspace", "use a path relative to the workspace")
            pure = pure.relative_to(within[0])
        if ".." in pure.parts:
            raise ToolError(f"{path!r} has '..' in it", "name the path from the workspace down")
        return pure.parts

    @contextlib.contextmanager
    def _walk(self, parts: Sequence[str], make: bool = False) -> Generator[int]:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                below = _step(handle, part, make)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)


@contextlib.contextmanager
def open_file(folder: int, name: str) -> Generator[BinaryIO]:
    """A regular file in a folder given by its handle, open for reading bytes; OSError for anything else."""
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False))
    handle = os.open(name, _READ, dir_fd=folder)
    with open(handle, "rb") as file:
        _check_regular(os.fstat(handle))
        yield file


def _step(folder: int, name: str, make: bool) -> int:
    """One folder further down."""
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
            os.fsync(folder)
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ToolError(f"{name!r} is a link, and links are not followed") from None
        raise


def _check_regular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError
    if stat.S_ISLNK(found.st_mode):
        raise ToolError("it is a link, and links are not followed")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError("it is no regular file")


def _mode_of(folder: int, name: str) -> int | None:
    """The permissions of the file to be replaced; None where there is none."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_regular(found)
    return found.st_mode & 0o777


def _write_lasting(folder: int, name: str, data: bytes, mode: int | None) -> None:
    handle = os.open(name, _CREATE, 0o666, dir_fd=folder)
    with open(handle, "wb") as file:
        if mode is not None:
            os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)


@contextlib.contextmanager
def _explained(path: str) -> Generator[None]:
    """Turns what the system says of a path into what a model can act on."""
    try:
        yield
    except ToolError as error:
        if path in error.message:
            raise
        raise ToolError(f"{path!r}: {error.message}", error.hint) from None
    except FileNotFoundError:
        raise ToolError(f"there is no {path!r}", "list_files shows what there is") from None
    except IsADirectoryError:
        raise ToolError(f"{path!r} is a folder") from None
    except NotADirectoryError:
        raise ToolError(f"{path!r} is not a folder, or lies below a file") from None
    except (OSError, ValueError) as error:
        raise ToolError(f"{path!r} cannot be used: {getattr(error, 'strerror', None) or error}") from error
