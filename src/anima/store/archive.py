"""The container of backups and exports: an uncompressed tar, or a folder, that proves itself.

Its `manifest.json` comes last and names every other member with its size and SHA-256, so that one that was cut off,
damaged or added to is found before anything is done with it. Uncompressed, a file cannot unpack to more than it is.
This module does not know what the members mean.
"""

import hashlib
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

from anima import faults
from anima.errors import StoreDamaged, StoreForeign, StoreTooNew

MANIFEST = "manifest.json"
MANIFEST_BYTES = 256 * 2**20
LONGEST_NAME = 1000
CHUNK = 2**20
WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: bytes, and their SHA-256 (hex)."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself: its format and the version of that, further facts, its members by name."""

    format: str
    version: int
    facts: Mapping[str, Any]
    files: Mapping[str, Member]

    def dump(self) -> bytes:
        files = {name: asdict(member) for name, member in self.files.items()}
        document = {"format": self.format, "version": self.version, **self.facts, "files": files}
        return json.dumps(document, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of archive: its format's name, the newest version of it this program knows, which names it may hold."""

    format: str
    version: int
    names: re.Pattern[str]


def pack(target: Path, form: Form, facts: Mapping[str, Any], members: Iterable[tuple[str, Path]]) -> Manifest:
    """Write an archive, private, read back and on disk under its name when this returns; else nothing is there.

    Members are taken one after the other. Raises OSError when one cannot be read or grows shorter meanwhile.
    """
    draft = draft_of(target)
    try:
        with open(os.open(draft, WRITE, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                files = {name: _add(tar, name, path) for name, path in members}
                manifest = Manifest(form.format, form.version, facts, files)
                entry = tarfile.TarInfo(MANIFEST)
                text = manifest.dump()
                entry.size, entry.mode = len(text), 0o600
                tar.addfile(entry, BytesIO(text))
            file.flush()
            os.fsync(file.fileno())
        verify(draft, form)
        faults.reach("archive.keeping")
        os.rename(draft, target)
        sync_folder(target.parent)
        faults.reach("archive.kept")
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def draft_of(target: Path) -> Path:
    """Where a file is written before it has its name: beside it, hidden, with this process's number."""
    return target.with_name(f".{target.name}.{os.getpid()}")


def sync_folder(folder: Path) -> None:
    """Make names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Reading:
    """A file read as tarfile asks, and hashed on the way."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    with _regular(path) as file:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = os.fstat(file.fileno()).st_size, 0o600
        reading = _Reading(file)
        tar.addfile(entry, reading)
    return Member(entry.size, reading.hash.hexdigest())


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    """A file opened for reading: nothing but a regular one, and not by a link. Raises OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        yield file


def verify(source: Path, form: Form) -> Manifest:
    """Read an archive from end to end. Raises StoreForeign, StoreTooNew or StoreDamaged unless all of it is right."""
    return _read(source, form, None)


def unpack(source: Path, form: Form, folder: Path) -> Manifest:
    """Write the members into `folder`, made anew, each private and on disk. Raises as `verify` does.

    Whoever calls it throws the folder away when it raises.
    """
    folder.mkdir(mode=0o700)
    manifest = _read(source, form, folder)
    _copy(MANIFEST, len(manifest.dump()), BytesIO(manifest.dump()), folder)
    for place, _, _ in os.walk(folder):
        sync_folder(Path(place))
    return manifest


def _read(source: Path, form: Form, folder: Path | None) -> Manifest:
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        for name, size, file in _members(source):
            if name in found or (name == MANIFEST and manifest is not None):
                raise StoreDamaged(f"{source} holds {name!r} twice", "nothing was changed")
            if name == MANIFEST:
                manifest = _manifest(source, form, file.read(MANIFEST_BYTES))
                continue
            if not form.names.fullmatch(name) or not _plain(name):
                raise StoreForeign(f"{source} holds {name!r}, which has no place in one", "nothing was changed")
            found[name] = _copy(name, size, file, folder)
    except (tarfile.TarError, EOFError) as error:
        raise StoreForeign(
            f"{source} is cut off, or no archive of anima: {error}", "name a file made by `anima backup` or `export`"
        ) from error
    if manifest is None:
        raise StoreForeign(f"{source} has no {MANIFEST}: it is cut off, or not anima's", "name another file")
    wrong = sorted(name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name))
    if wrong:
        raise StoreDamaged(f"{source} is damaged: {wrong[0]!r} is not what it was", "take another backup")
    return manifest


def _copy(name: str, size: int, file: IO[bytes], folder: Path | None) -> Member:
    """Hash a member, and write it below `folder` where there is one."""
    total, left = hashlib.sha256(), size
    target = os.devnull if folder is None else folder / name
    if folder is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_WRONLY if folder is None else WRITE, 0o600), "wb") as copy:
        while left and (data := file.read(min(CHUNK, left))):
            total.update(data)
            left -= len(data)
            if folder is not None:
                copy.write(data)
        copy.flush()
        if folder is not None:
            os.fsync(copy.fileno())
    return Member(size - left, total.hexdigest())


def _members(source: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Every member's name, size and bytes; only regular files are let through. Raises StoreForeign for others."""
    if source.is_dir():
        for place, folders, files in os.walk(source):
            for name in (*folders, *files):
                path = Path(place, name)
                if path.is_symlink() or (name in files and not path.is_file()):
                    raise StoreForeign(f"{path} is not a regular file", "nothing was changed")
                if name in files:
                    with _regular(path) as file:
                        yield path.relative_to(source).as_posix(), os.fstat(file.fileno()).st_size, file
        return
    with tarfile.open(source, "r:") as tar:
        at = -1
        while (entry := tar.next()) is not None:
            if entry.size < 0 or tar.offset <= at:  # a size below nothing would read the same entry for ever
                raise tarfile.ReadError("a member has no size")
            at = tar.offset
            if entry.isdir():
                continue
            inside = tar.extractfile(entry) if entry.type == tarfile.REGTYPE and not entry.issparse() else None
            if inside is None:
                raise StoreForeign(f"{source} holds {entry.name!r}, not a regular file", "nothing was changed")
            yield entry.name.removeprefix("./"), entry.size, inside


def _plain(name: str) -> bool:
    """A name that stays where it is put."""
    return len(name) <= LONGEST_NAME and "\0" not in name and not {"", ".", ".."} & set(name.split("/"))


def _manifest(source: Path, form: Form, text: bytes) -> Manifest:
    try:
        document = json.loads(text)
        name, version = document.pop("format"), document.pop("version")
        files = {str(key): Member(int(it["size"]), str(it["sha256"])) for key, it in document.pop("files").items()}
        if not isinstance(name, str) or not isinstance(version, int):
            raise TypeError("format and version")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreForeign(f"{source} has a {MANIFEST} that is not anima's", "name another file") from error
    if name != form.format:
        raise StoreForeign(f"{source} is {name!r}, not {form.format!r}", "a home is restored, an agent imported")
    if version > form.version:
        raise StoreTooNew(
            f"{source} has version {version} of {name}; this program knows up to {form.version}",
            "use the newer anima that wrote it",
        )
    return Manifest(name, version, document, files)
