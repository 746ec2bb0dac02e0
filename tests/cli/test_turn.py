"""`anima turn`: the custody of turns, as the journal has it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from anima.clock import SystemClock
from anima.store import Closing, Store
from anima.vocabulary import (
    OWNER,
    Effect,
    EffectState,
    EventState,
    NewEvent,
    Step,
    Turn,
    TurnState,
    Usage,
)
from tests.cli.program import Anima


def step(n: int, text: str, *effects: Effect) -> Step:
    return Step(n, "test/model", text, Usage(10, 3), "end", "hash", 1000.0, 0.25, effects=effects)


async def write(path: Path, *, closed: bool) -> None:
    """A turn with one call: closed with an answer, or left open in the middle of the call."""
    store = await Store.open(path, SystemClock())
    await store.adopt("arya")
    posted = await store.post(NewEvent("arya", "cli:main", "build it", OWNER), claim=True)
    turn = Turn("t1", "arya", "cli:main", TurnState.OPEN, (posted.event,), 1000.0)
    command = {"command": "make\x1b[2J"}
    call = Effect("t1.1.1", "key", "c1", "build", command, "once", "allow", EffectState.INTENDED)
    await store.write_step(turn, step(1, "I shall build it.", call), ())
    call = replace(call, begun=1001.0, attempts=1)
    await store.write_effects(turn, [call])
    if closed:
        await store.write_effects(turn, [replace(call, state=EffectState.DONE, finished=1002.0, result="ok")])
        end = replace(turn, state=TurnState.CLOSED, closed=1003.0)
        await store.close_turn(Closing(end, EventState.ANSWERED, step(2, "It is built.")))
    await store.aclose()


@pytest.fixture
def closed_turn(home: Path) -> str:
    asyncio.run(write(home / "anima.db", closed=True))
    return "t1"


@pytest.fixture
def open_turn(home: Path) -> str:
    asyncio.run(write(home / "anima.db", closed=False))
    return "t1"


def test_where_nothing_was_kept_there_are_no_turns_and_no_store_is_made(here: Anima, home: Path) -> None:
    assert here("turn", "list", "--json").document == {"ok": True, "items": []}
    assert not home.exists()


def test_a_list_holds_the_head_of_each_turn(here: Anima, closed_turn: str) -> None:
    (item,) = here("turn", "list", "--json").document["items"]
    assert set(item) == {"id", "agent", "conversation", "state", "opened", "closed"}
    assert (item["id"], item["agent"], item["state"]) == ("t1", "arya", "closed")
    table = here("turn", "list").out.splitlines()
    assert [line.split()[0] for line in table] == ["TURN", "t1"]


def test_the_turns_of_an_unknown_agent_are_an_error(here: Anima, closed_turn: str) -> None:
    wrong = here("turn", "list", "--agent", "gendry", "--json")
    assert (wrong.status, wrong.document["error"]["type"]) == (1, "not_found")


def test_show_tells_the_whole_custody(here: Anima, closed_turn: str) -> None:
    turn = here("turn", "show", closed_turn, "--json").document["turn"]
    assert [event["text"] for event in turn["events"]] == ["build it"]
    assert [step["n"] for step in turn["steps"]] == [1, 2]
    (call,) = turn["steps"][0]["effects"]
    expected = {
        "id",
        "key",
        "tool",
        "arguments",
        "class",
        "decision",
        "state",
        "attempts",
        "begun",
        "finished",
        "result",
    }
    assert set(call) >= expected
    assert (call["tool"], call["class"], call["state"], call["result"]) == ("build", "once", "done", "ok")
    assert (turn["answer"], turn["state"]) == ("It is built.", "closed")


def test_show_reads_as_a_story_in_which_nothing_is_active(here: Anima, closed_turn: str) -> None:
    story = here("turn", "show", closed_turn).out
    for part in ("build it", "I shall build it.", "build", "allow, done", "It is built.", "20 tokens in, 6 out"):
        assert part in story
    assert "\x1b" not in story


@pytest.mark.parametrize("id", ["t99", "x1", "", "t"])
@pytest.mark.parametrize("verb", ["show", "stop"])
def test_an_unknown_turn_is_an_error(here: Anima, closed_turn: str, verb: str, id: str) -> None:
    wrong = here("turn", verb, id, "--json")
    assert (wrong.status, wrong.document["error"]["type"]) == (1, "not_found")


def test_stopping_drops_the_task_and_a_running_call_becomes_unknown(anima: Anima, open_turn: str) -> None:
    turn = anima("turn", "stop", open_turn, "--json").document["turn"]
    assert turn["state"] == "stopped"
    assert turn["steps"][0]["effects"][0]["state"] == "unknown"
    assert [event["state"] for event in turn["events"]] == ["dropped"]
    assert anima("turn", "stop", open_turn).status == 1


def test_a_foreign_store_is_refused(here: Anima, tmp_path: Path) -> None:
    foreign = tmp_path / "notes.db"
    foreign.write_text("not a database at all" * 100)
    wrong = here("turn", "list", "--store", foreign, "--json")
    assert wrong.status == 1
    assert foreign.read_text().startswith("not a database")
