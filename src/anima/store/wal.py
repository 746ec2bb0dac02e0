"""The write-ahead log beside the store: would SQLite's recovery drop a commit that was once acknowledged?

Recovery stops at the first frame whose checksum is wrong and takes the rest for the unfinished end of the log. That
is right for the last commit, which power loss may have torn; behind an earlier one there are further commits. Damage
to the very last commit cannot be told from power loss. The format is SQLite's own (www.sqlite.org/walformat.html).
"""

import struct
from pathlib import Path

HEADER, FRAME = 32, 24
MAGIC = (0x377F0682, 0x377F0683)


def damage(path: Path) -> str | None:
    """What is wrong with the log of the store at `path`, or None. A connection must be reading the store now."""
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    if not (log.exists() and index.exists()) or log.stat().st_size < HEADER + FRAME:
        return None
    with log.open("rb") as file:
        header = file.read(HEADER)
        if any(header) and not _sound(header):
            return "the header of its write-ahead log is damaged"
        (page,) = struct.unpack_from(">I", header, 8)
        commits = []
        while len(frame := file.read(FRAME)) == FRAME:
            size, *salt = struct.unpack_from(">III", frame, 4)
            commits.append((size != 0, salt))
            file.seek(page, 1)
    # The index is read after the log: what another process commits meanwhile is in the index already.
    known, salt = _index(index)
    lost = sum(commit and of == salt for commit, of in commits[known:])
    return f"{lost} commits of its write-ahead log are damaged" if lost > 1 else None


def _index(index: Path) -> tuple[int, list[int]]:
    """How many frames of the log are in use, and the salts that mark them; from SQLite's shared index."""
    with index.open("rb") as file:
        head = file.read(48)
    (known,) = struct.unpack_from("=I", head, 16)
    return known, list(struct.unpack_from(">II", head, 32))


def _sound(header: bytes) -> bool:
    magic, *_ = struct.unpack(">8I", header)
    if magic not in MAGIC:
        return False
    words = struct.unpack("<6I" if magic == MAGIC[0] else ">6I", header[:24])
    one = two = 0
    for n in range(0, 6, 2):
        one = (one + words[n] + two) & 0xFFFFFFFF
        two = (two + words[n + 1] + one) & 0xFFFFFFFF
    return (one, two) == struct.unpack(">II", header[24:])
