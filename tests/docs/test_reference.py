"""What the documents say of the program is what the program says of itself."""

import re
from pathlib import Path

import pytest

from anima import faults
from tests.docs.blocks import ROOT
from tests.docs.reference import DOCS, PAGES, decisions, page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_program_is_as_the_program_is(name: str) -> None:
    made, kept = page(name).splitlines(), (DOCS / name).read_text(encoding="utf-8").splitlines()
    assert kept == made, f"docs/{name} is old: run `python -m tests.docs.reference`"


@pytest.mark.parametrize("decision", decisions(), ids=lambda path: path.stem)
def test_a_decision_is_short_and_says_why_and_until_when(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    assert text.count("\n") <= 25
    assert [word for word in ("Decision", "Because", "Instead of", "Undo when") if f"**{word}" not in text] == []


def test_every_point_at_which_a_document_kills_the_program_is_one() -> None:
    turn = (DOCS / "explanation" / "turn.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", turn, re.MULTILINE)
    assert told == [name for name in faults.POINTS if name in told]
    assert {name for name in faults.POINTS if name.startswith(("turn.", "effect.", "outbox."))} <= set(told)


def test_every_link_between_documents_leads_somewhere() -> None:
    lost = []
    for document in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        for target, anchor in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", document.read_text(encoding="utf-8")):
            path = document.parent / target if target else document
            if not path.exists() or (anchor and anchor[1:] not in anchors(path)):
                lost.append(f"{document.relative_to(ROOT)}: {target}{anchor}")
    assert lost == []


def anchors(document: Path) -> list[str]:
    """The names by which headings are linked to."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
