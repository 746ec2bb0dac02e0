"""Attachments: files kept by the hash of their bytes, written before the event that names them.

This module does not know what is in them.
"""

import hashlib
import mimetypes
import os
import stat
from pathlib import Path

from anima import faults
from anima.errors import StoreDamaged, UsageError
from anima.vocabulary import Attachment

LARGEST = 20 * 1024 * 1024
"""Bytes of the largest file that is taken."""


class Files:
    """A folder of files named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, path: Path) -> Attachment:
        """Copy a file in, safely on disk when this returns. Raises UsageError for one that cannot be taken."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would be waited for
            with open(handle, "rb") as file:
                data = file.read(LARGEST + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}", "attach a file you may read") from error
        if data is None:
            raise UsageError(f"{path} is not a file", "attach one file at a time")
        if len(data) > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST // 2**20} MB", "attach a smaller file")
        name = hashlib.sha256(data).hexdigest()
        if not (self._folder / name).exists():
            self._write(name, data)
        mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return Attachment(path.name, mime, len(data), name)

    def read(self, file: Attachment) -> bytes:
        """The bytes of a kept file. Raises StoreDamaged when they are not the ones that were kept."""
        try:
            data = (self._folder / file.hash).read_bytes()
        except OSError as error:
            raise StoreDamaged(f"attachment {file.name!r} is gone: {error.strerror}", "restore a backup") from error
        if hashlib.sha256(data).hexdigest() != file.hash:
            raise StoreDamaged(f"attachment {file.name!r} was changed on disk", "restore a backup")
        return data

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{name}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        faults.reach("file.keeping")
        draft.rename(self._folder / name)
        faults.reach("file.kept")
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)
