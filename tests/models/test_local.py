"""The `local` adapter, with the bundled model in a real child process."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from anima.clock import SystemClock
from anima.errors import Unreachable
from anima.models.llama import Llama
from anima.models.model import NamedModel
from anima.models.providers import Providers
from anima.settings import LOCAL_MODEL, ModelRef
from anima.vocabulary import Context, Message, Text, ToolSpec
from tests.models.hearing import ADD, ECHO, NOW, Heard, asking, hear

TOOLS = (ADD, ECHO, NOW)


@pytest.fixture
async def local(models_dir: Path) -> AsyncGenerator[NamedModel, None]:
    async with Providers(SystemClock(), models_dir) as providers:
        yield providers.connect(ModelRef.parse("local"))


async def use_tools(model: NamedModel, task: str, results: dict[str, str], *tools: ToolSpec) -> list[Heard]:
    """What a model does about a task, each call answered from `results`."""
    said: list[Heard] = []
    messages = [Message("user", task)]
    while not said or said[-1].calls:
        heard = await hear(model.stream(Context("You are Arya. Dry, brief, kind.", tuple(messages), tools)))
        said.append(heard)
        messages.append(Message("assistant", heard.text, calls=tuple(heard.calls)))
        messages += [Message("tool", results[call.name], call_id=call.id, tool=call.name) for call in heard.calls]
    return said


async def test_a_sum_is_left_to_the_tool_and_told(local: NamedModel) -> None:
    called, answered = await use_tools(local, "What is 17 + 25? Use the add tool.", {"add": "42"}, *TOOLS)
    assert [(call.name, call.arguments) for call in called.calls] == [("add", {"a": 17, "b": 25})]
    assert called.end.stop == "calls"
    assert "42" in answered.text
    assert len(answered.texts) > 2
    assert answered.end.stop == "end"
    assert answered.end.model == f"local/{LOCAL_MODEL}"
    assert answered.end.usage.dollars == 0.0
    assert answered.end.usage.output > 0


async def test_two_tools_named_are_used_one_after_the_other(local: NamedModel) -> None:
    task = "Use add to compute 2 + 3, then repeat the result with echo."
    first, second, answered = await use_tools(local, task, {"add": "5", "echo": "5"}, *TOOLS)
    assert [call.arguments for call in first.calls + second.calls] == [{"a": 2, "b": 3}, {"text": "5"}]
    assert "5" in answered.text


async def test_without_tools_it_talks_letter_by_letter(local: NamedModel) -> None:
    heard = await hear(local.stream(Context("", (Message("user", "Count from one to five."),), max_output=20)))
    assert len(heard.texts) > 5
    assert heard.calls == []


async def test_its_port_wants_the_key_that_only_the_runtime_knows(models_dir: Path) -> None:
    llama = Llama(models_dir / f"{LOCAL_MODEL}.gguf", 512, SystemClock())
    try:
        serving = await llama.serve()
        asked = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        answer = await serving.client.post(f"{serving.url}/v1/chat/completions", json=asked)
        assert answer.status_code == 401
        for process in Path("/proc").glob("[0-9]*"):
            assert serving.key not in read(process / "cmdline")
            assert serving.key not in read(process / "environ")
    finally:
        await llama.aclose()


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def children(of: int | None = None) -> set[int]:
    """Processes that hold llama.cpp: this process's children, or another's."""
    own = f"PPid:\t{of or os.getpid()}\n"
    found = (path.parent for path in Path("/proc").glob("[0-9]*/status") if own in read(path))
    return {int(process.name) for process in found if "llama_child" in read(process / "cmdline")}


async def gone(process: int) -> None:
    """Wait until a process has ended with all its threads; whether somebody has collected it does not matter."""
    async with asyncio.timeout(10):
        while len(list(Path(f"/proc/{process}/task").glob("*"))) > 1 or "\nState:\tZ" not in status(process):
            await asyncio.sleep(0)


def status(process: int) -> str:
    return read(Path(f"/proc/{process}/status")) or "\nState:\tZ"


async def test_the_child_starts_when_asked_and_ends_with_the_runtime(models_dir: Path) -> None:
    before = children()
    async with Providers(SystemClock(), models_dir) as providers:
        model = providers.connect(ModelRef.parse("local"))
        assert children() == before
        await hear(model.stream(Context("", (Message("user", "Hi"),), max_output=1)))
        assert len(children() - before) == 1
    assert children() == before


async def test_a_crash_costs_one_call_and_the_next_one_starts_it_again(models_dir: Path) -> None:
    before = children()
    async with Providers(SystemClock(), models_dir) as providers:
        model = providers.connect(ModelRef.parse("local"))
        stream = model.stream(asking("Tell me a long story."))
        assert isinstance(await anext(stream), Text)
        [child] = children() - before
        os.kill(child, signal.SIGSEGV)
        await gone(child)
        with pytest.raises(Unreachable):
            async for _ in stream:
                pass
        assert (await hear(model.stream(Context("", (Message("user", "Hi"),), max_output=4)))).end


async def test_a_model_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    async with Providers(SystemClock(), tmp_path) as providers:
        with pytest.raises(Unreachable) as caught:
            await hear(providers.connect(ModelRef.parse("local")).stream(asking("Hi")))
    assert "anima model get" in caught.value.hint


async def test_a_file_that_is_no_model_is_told_and_leaves_no_child(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 1000)
    before = children()
    async with Providers(SystemClock(), tmp_path) as providers:
        with pytest.raises(Unreachable, match=r"broken\.gguf"):
            await hear(providers.connect(ModelRef("local", str(broken))).stream(asking("Hi")))
        assert children() == before


async def test_a_runtime_that_is_killed_takes_its_child_along(models_dir: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from anima.clock import SystemClock
from anima.models.llama import Llama

async def main():
    await Llama(Path({str(models_dir / f"{LOCAL_MODEL}.gguf")!r}), 512, SystemClock()).serve()
    print(flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    await parent.stdout.readline()
    [child] = children(of=parent.pid)
    parent.kill()
    await parent.wait()
    await gone(child)
