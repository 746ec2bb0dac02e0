"""Every block in README.md, CONTRIBUTING.md and docs/ does what the document says it does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from anima.models.smollm import ensure_model
from tests.docs.blocks import MODELS, ROOT, Block, Desk, blocks
from tests.docs.imitation import Line, imitation

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPT = (
    Line("17 + 25", "42.", "add", {"a": 17, "b": 25}),
    Line("put on in Lyon", '{"umbrella": true, "reason": "rain until noon"}'),
    Line("umbrella", "Yes: rain until noon.", "weather", {"city": "Lyon"}),
    Line("files are in your workspace", "None so far.", "list_files"),
    Line("Where is parcel 17", "It is at the depot.", "track", {"number": 17}),
    Line(
        "a coat in Porto",
        "I am not allowed to look that up.",
        "http",
        {"method": "GET", "url": "https://example.com/porto"},
    ),
    Line("nproc", "It does.", "shell", {"command": "nproc"}),
    Line("colour is the sky", "Blue."),
    Line("Count from one to ten", "One, two, three, four, five, six, seven, eight, nine, ten."),
)


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The small model: fetched once into the clone's own home, as `make run` does."""
    return asyncio.run(ensure_model(MODELS))


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """Whoever stands in for the paid models."""
    with imitation(SCRIPT) as url:
        yield url


def runnable(document: Path) -> list[Block]:
    found = blocks(document.read_text(encoding="utf-8"), str(document.relative_to(ROOT)))
    return [block for block in found if block.skipped is None]


WITH_BLOCKS = [document for document in DOCUMENTS if runnable(document)]


@pytest.mark.parametrize("document", WITH_BLOCKS, ids=[str(path.relative_to(ROOT)) for path in WITH_BLOCKS])
def test_every_block_of_a_document_does_what_it_says(
    document: Path, tmp_path: Path, bundled_model: Path, provider: str
) -> None:
    desk = Desk.lay(tmp_path, provider)
    for block in runnable(document):
        desk.run(block)


def test_the_readmes_ten_lines_are_run_as_printed_and_show_what_they_print() -> None:
    (ten,) = [block for block in runnable(ROOT / "README.md") if block.language == "python"]
    assert len([line for line in ten.text.splitlines() if line.strip()]) <= 10
    assert ten.prints
