"""How the answer reaches stdout: once, whole, marked where it was cut, and inert on a terminal."""

import json
from collections.abc import Sequence

import pytest

from anima.cli.answer import Answer, ClosedText, Lines, OneDocument, StreamedText
from anima.errors import AnimaError, LimitReached, Unreachable
from anima.vocabulary import (
    OWNER,
    Closed,
    Event,
    EventState,
    FellBack,
    Progress,
    Retried,
    Step,
    StepDone,
    Token,
    ToolCalled,
    Turn,
    TurnState,
    Usage,
)

WHERE = (1000.0, "arya", "cli:main", "t1")
EVENT = Event("e1", "arya", "cli:main", 1, "cli", "hello", OWNER, EventState.ANSWERED, 1000.0)


def token(text: str, step: int = 1) -> Token:
    return Token(*WHERE, step, text)


def closed(text: str, *, notice: str = "", state: TurnState = TurnState.CLOSED) -> Closed:
    step = Step(1, "test/model", text, Usage(5, 2), "end", "hash", 1000.0, 0.5)
    turn = Turn("t1", "arya", "cli:main", state, (EVENT,), 1000.0, (step,), notice=notice)
    return Closed(*WHERE, 1, turn)


def printed(
    capsys: pytest.CaptureFixture[str],
    answer: Answer,
    news: Sequence[Progress],
    end: Closed,
    error: AnimaError | None = None,
) -> str:
    for item in news:
        answer.follow(item)
    answer.close(end, error)
    return capsys.readouterr().out


def test_a_streamed_answer_is_not_printed_again(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, StreamedText(), [token("Hel"), token("lo.")], closed("Hello."))
    assert out == "Hello.\n"


def test_a_notice_follows_the_streamed_answer(capsys: pytest.CaptureFixture[str]) -> None:
    end = closed("Hello.", notice="Stopped after 1 steps.")
    out = printed(capsys, StreamedText(), [token("Hello.")], end, LimitReached("Stopped after 1 steps."))
    assert out == "Hello.\n\nStopped after 1 steps.\n"


@pytest.mark.parametrize(
    "cut", [Retried(*WHERE, 1, "a/b", "cut", 0.1, 1), FellBack(*WHERE, 1, "a/b", "overloaded", "c/d")]
)
def test_an_answer_that_was_cut_is_marked_and_printed_whole_after(
    capsys: pytest.CaptureFixture[str], cut: Progress
) -> None:
    out = printed(capsys, StreamedText(), [token("Hel"), cut, token("Hello.")], closed("Hello."))
    assert out == "Hel [cut off]\nHello.\n"


def test_a_final_answer_that_differs_from_what_streamed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, StreamedText(), [token("Hello. User: more")], closed("Hello."))
    assert out == "Hello. User: more [cut off]\nHello.\n"


def test_thoughts_between_calls_stand_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    news = [
        token("Let me look."),
        StepDone(*WHERE, 1, "a/b", Usage(), 0.1, 1),
        ToolCalled(*WHERE, 1, "t1.1.1", "now", {}),
        token("Noon.", step=2),
    ]
    assert printed(capsys, StreamedText(), news, closed("Noon.")) == "Let me look.\nNoon.\n"


def test_reasoning_is_not_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    news = [Token(*WHERE, 1, "hmm", reasoning=True), token("Yes.")]
    assert printed(capsys, StreamedText(), news, closed("Yes.")) == "Yes.\n"


def test_an_answer_already_closed_is_printed_without_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, StreamedText(), [], closed("Hello.")) == "Hello.\n"


def test_a_terminal_gets_nothing_it_would_obey_and_a_pipe_gets_every_byte(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a\x1b]0;owned\x07b"
    assert printed(capsys, StreamedText(), [token(text)], closed(text)) == "a]0;ownedb\n"
    assert printed(capsys, ClosedText(), [token(text)], closed(text)) == text + "\n"


@pytest.mark.parametrize("answer", [StreamedText(), ClosedText()])
def test_words_of_a_turn_that_did_not_close_are_not_its_answer(
    capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    out = printed(capsys, answer, [], closed("Let me look.", state=TurnState.OPEN), Unreachable("no connection"))
    assert out == ""


def test_the_document_says_how_the_turn_ended(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, OneDocument(), [token("Hello.")], closed("Hello.")))
    assert document == {
        "ok": True,
        "agent": "arya",
        "conversation": "cli:main",
        "event": "e1",
        "turn": "t1",
        "state": "closed",
        "answer": "Hello.",
        "steps": 1,
        "usage": {"input": 5, "output": 2, "cached": 0, "dollars": None},
        "model": "test/model",
        "seconds": 0.5,
        "denied": [],
        "unknown": [],
    }


def test_events_are_lines_and_the_last_holds_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, Lines(), [token("Hello.")], closed("Hello."))
    first, last = (json.loads(line) for line in out.splitlines())
    assert (first["type"], first["text"], first["step"], first["turn"]) == ("token", "Hello.", 1, "t1")
    assert (last["type"], last["document"]["answer"]) == ("closed", "Hello.")
    assert set(first) >= {"type", "time", "agent", "conversation", "turn", "step"}
    assert set(last) == {"type", "time", "agent", "conversation", "turn", "step", "document"}


def test_a_run_without_a_turn_still_ends_with_a_closed_line(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().fail(AnimaError("no", "try again", agent="arya"))
    line = json.loads(capsys.readouterr().out)
    assert (line["type"], line["agent"], line["turn"]) == ("closed", "arya", None)
    assert line["document"]["error"] == {"type": "anima_error", "message": "no", "hint": "try again"}
