"""A person at a terminal says yes to one exact call, or it does not happen."""

import asyncio
import os
import pty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anima.cli.approval import Terminal, TerminalApprover, question
from anima.vocabulary import Call


def call(*, doubtful: bool = False, **arguments: object) -> Call:
    return Call("shell", arguments, "arya", "cli:main", Path("workspace"), "k", doubtful=doubtful)


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: the person's, and the program's."""
    mine, theirs = pty.openpty()
    yield mine, theirs
    os.close(mine)
    os.close(theirs)


@pytest.fixture
def person(ends: tuple[int, int]) -> int:
    return ends[0]


@pytest.fixture
def terminal(ends: tuple[int, int]) -> Terminal:
    return Terminal(ends[1], ends[1])


async def read_question(person: int) -> str:
    """What the terminal shows, up to the prompt."""
    shown = b""
    while not shown.endswith(b"[y/N] "):
        shown += await asyncio.to_thread(os.read, person, 4096)
    return shown.decode()


async def answered(terminal: Terminal, person: int, typed: str) -> bool:
    asking = asyncio.create_task(TerminalApprover(terminal, lambda: None)(call(command="ls")))
    await read_question(person)
    os.write(person, typed.encode())
    return await asking


@pytest.mark.parametrize(
    ("typed", "allowed"), [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("yesterday\n", False)]
)
async def test_only_a_typed_yes_allows(terminal: Terminal, person: int, typed: str, allowed: bool) -> None:
    assert await answered(terminal, person, typed) is allowed


async def test_the_end_of_input_is_a_no(terminal: Terminal, person: int) -> None:
    assert await answered(terminal, person, "\x04") is False


async def test_what_was_typed_before_the_question_is_no_answer(terminal: Terminal, person: int) -> None:
    os.write(person, b"y\n")
    assert await answered(terminal, person, "\n") is False


async def test_a_question_nobody_answers_is_a_no_in_the_end(terminal: Terminal) -> None:
    impatient = replace(terminal, patience=0.01)
    assert await TerminalApprover(impatient, lambda: None)(call(command="ls")) is False


async def test_the_display_steps_aside_before_the_question(terminal: Terminal, person: int) -> None:
    steps: list[str] = []
    asking = asyncio.create_task(TerminalApprover(terminal, lambda: steps.append("aside"))(call(command="ls")))
    await read_question(person)
    assert steps == ["aside"]
    os.write(person, b"n\n")
    await asking


def test_the_question_shows_the_whole_call() -> None:
    shown = question(call(command="echo " + "x" * 5000 + "; rm -rf ~", seconds=3))
    assert "arya wants to run shell (once)" in shown
    assert "x" * 5000 + "; rm -rf ~" in shown
    assert "seconds: 3" in shown


def test_the_question_shows_what_would_be_hidden() -> None:
    shown = question(call(command="ls\x1b[2K\rsafe\u202e\nsecond line"))
    assert r"ls\x1b[2K\rsafe\u202e" in shown
    assert "  | second line" in shown


def test_the_question_warns_of_an_equal_call_with_an_unknown_outcome() -> None:
    assert "a second time" in question(call(command="ls", doubtful=True))
