"""`anima conversation`: what was said, as the journal has it."""

import asyncio
from pathlib import Path

import pytest

from anima import Agent, Runtime
from anima.testing import Answer, ScriptedModel, ToolCall
from tests.cli.program import Anima
from tests.fakes import Ledger

SCRIPT: list[Answer | str] = [Answer("Let me pay.", calls=[ToolCall("pay", {"n": 100})]), "Paid 100%.", "Welcome."]


async def talk(home: Path, name: str = "arya", conversation: str = "cli:main") -> None:
    agent = Agent(name, model=ScriptedModel(SCRIPT), tools=Ledger().tools)
    async with Runtime(home, [agent]) as runtime:
        await runtime.ask(name, "Pay invoice INV_1.", conversation=conversation)
        await runtime.ask(name, "Thank you, \x1b[31mdear\x1b[0m.", conversation=conversation)


@pytest.fixture
def talked(home: Path) -> None:
    asyncio.run(talk(home))


@pytest.mark.usefixtures("talked")
def test_conversations_are_listed_with_their_turns(here: Anima) -> None:
    (item,) = here("conversation", "list", "--json").document["items"]
    assert (item["agent"], item["conversation"], item["turns"], item["events"]) == ("arya", "cli:main", 2, 2)
    assert "cli:main" in here("conversations", "list").out


def test_where_nothing_was_said_the_list_is_empty(here: Anima) -> None:
    assert here("conversation", "list", "--json").document == {"ok": True, "items": []}


@pytest.mark.usefixtures("talked")
def test_a_conversation_is_shown_by_who_said_what(here: Anima) -> None:
    document = here("conversation", "show", "cli:main", "--json").document
    assert [(line["role"], line["text"]) for line in document["messages"]] == [
        ("user", "Pay invoice INV_1."),
        ("assistant", "Let me pay."),
        ("tool", "paid 100"),
        ("assistant", "Paid 100%."),
        ("user", "Thank you, \x1b[31mdear\x1b[0m."),
        ("assistant", "Welcome."),
    ]
    shown = here("conversation", "show", "cli:main", "--limit", "1").out
    assert "Welcome." in shown
    assert "invoice" not in shown
    assert "\x1b" not in shown


@pytest.mark.usefixtures("talked")
@pytest.mark.parametrize(
    ("words", "roles"),
    [
        ("paid 100", ["assistant", "tool"]),
        ("INV_1", ["user"]),
        ("100%", ["assistant"]),
        ("INVx1", []),
        ("%", ["assistant"]),
    ],
)
def test_a_search_finds_texts_and_results_and_takes_every_sign_as_it_is(
    here: Anima, words: str, roles: list[str]
) -> None:
    items = here("conversation", "search", words, "--json").document["items"]
    assert sorted(item["role"] for item in items) == roles
    assert here("conversation", "search", words).status == 0
    assert here("conversation", "search", words, "--conversation", "c:other", "--json").document["items"] == []


@pytest.mark.usefixtures("talked")
def test_an_export_holds_every_turn_as_markdown_or_whole(here: Anima) -> None:
    text = here("conversation", "export", "cli:main").out
    assert "# cli:main with arya" in text
    assert "## tool pay (done)" in text
    document = here("conversation", "export", "cli:main", "--json").document
    assert [turn["id"] for turn in document["turns"]] == ["t1", "t2"]
    assert document["turns"][0]["steps"][0]["effects"][0]["result"] == "paid 100"


def test_an_unknown_conversation_and_one_of_several_agents_are_errors(here: Anima, home: Path) -> None:
    asyncio.run(talk(home))
    asyncio.run(talk(home, "sansa"))
    assert here("conversation", "show", "c:none", "--json").status == 1
    doubtful = here("conversation", "show", "cli:main", "--json")
    assert doubtful.status == 2
    assert "arya, sansa" in doubtful.document["error"]["hint"]
    assert here("conversation", "show", "cli:main", "--agent", "sansa", "--json").document["agent"] == "sansa"


@pytest.mark.usefixtures("talked")
def test_compact_leaves_all_in_place_when_no_model_can_be_reached(here: Anima, home: Path) -> None:
    folder = home / "agents" / "arya"
    (folder / "agent.toml").write_text(
        '[agent]\nname = "arya"\n[llm]\nprovider = "ollama"\nmodel = "none"\n[retry]\nmax_retries = 0\n'
    )
    ended = here("conversation", "compact", "cli:main", "--json")
    assert ended.status == 0
    assert ended.document["answer"] == "No summary was made; all stays."
    assert len(here("conversation", "show", "cli:main", "--json").document["messages"]) == 8
