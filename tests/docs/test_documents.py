"""Every block in README.md and docs/ does what the document says it does."""

import asyncio
from pathlib import Path

import pytest

from anima.models.smollm import ensure_model
from tests.docs.blocks import ROOT, Block, Desk, blocks

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTED = """\
from anima.testing import Answer, ScriptedModel, ToolCall
model = ScriptedModel([Answer(calls=[ToolCall("weather", {"city": "Lyon"})]), Answer("Take one.")])
"""


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The small model: fetched once into the clone's own home, as `make run` does."""
    return asyncio.run(ensure_model(ROOT / ".home" / "models"))


def runnable(document: Path) -> list[Block]:
    found = blocks(document.read_text(encoding="utf-8"), str(document.relative_to(ROOT)))
    return [block for block in found if block.skipped is None]


WITH_BLOCKS = [document for document in DOCUMENTS if runnable(document)]


@pytest.mark.parametrize("document", WITH_BLOCKS, ids=[str(path.relative_to(ROOT)) for path in WITH_BLOCKS])
def test_every_block_of_a_document_does_what_it_says(document: Path, tmp_path: Path, bundled_model: Path) -> None:
    desk = Desk.lay(tmp_path)
    for block in runnable(document):
        desk.run(block)


def test_the_readmes_ten_lines_run_as_printed_but_for_the_model(tmp_path: Path) -> None:
    readme = list(blocks((ROOT / "README.md").read_text(encoding="utf-8"), "README.md"))
    (printed,) = [block.text for block in readme if block.language == "python"]
    assert '"anthropic/claude-sonnet-4-5"' in printed
    text = SCRIPTED + printed.replace('"anthropic/claude-sonnet-4-5"', "model")
    text = text.replace("print(await", "print(answer := await") + 'assert answer == "Take one."\n'
    Desk.lay(tmp_path).run(Block("README.md", "python", {}, text))
