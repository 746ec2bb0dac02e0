"""The console view: lines for a person, of which none can drive the terminal or break the turn."""

import pytest

from anima.cli.console import PlainView, Quiet, RichView, describe
from anima.vocabulary import (
    Closed,
    Effect,
    EffectState,
    FellBack,
    Retried,
    Step,
    StepDone,
    ToolCalled,
    ToolReturned,
    Turn,
    TurnOpened,
    TurnState,
    Usage,
)

WHERE = (1000.0, "arya", "cli:main", "t1", 1)
NEWS = [
    TurnOpened(*WHERE, "e1"),
    StepDone(*WHERE, "openai/gpt", Usage(1200, 30, 1000, 0.0125), 1.5, 7),
    ToolCalled(*WHERE, "t1.1.1", "[/red]", {"path": "a\x1b[2J"}),
    ToolReturned(*WHERE, "t1.1.1", "[/red]", EffectState.DONE, "two\nlines\x07", 0.2),
    Retried(*WHERE, "openai/gpt", "HTTP 529", 0.5, 1),
    FellBack(*WHERE, "openai/gpt", "HTTP 529", "local/x"),
]


def test_each_piece_of_news_is_one_inert_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView(verbose=False)
    for news in NEWS:
        view.show(news)
    assert capsys.readouterr().err.splitlines() == [
        "turn t1 of arya in cli:main",
        '-> [/red] {"path": "a\\u001b[2J"}',
        "<- [/red] done: two lines",
        "openai/gpt: HTTP 529; trying again in 0.5 s",
        "openai/gpt: HTTP 529; asking local/x",
    ]


def test_verbose_tells_context_sizes_timings_tokens_and_money() -> None:
    assert describe(NEWS[1], verbose=False) == ""
    told = describe(NEWS[1], verbose=True)
    assert told == "step 1: openai/gpt, 7 messages, 1200 (1000 cached) tokens in, 30 out, 0.0125 dollars, 1.50 s"


def test_calls_that_were_denied_or_whose_outcome_is_unknown_are_told_at_the_end() -> None:
    states = {"shell": EffectState.DENIED, "pay": EffectState.UNKNOWN, "look": EffectState.DONE}
    calls = tuple(
        Effect(f"t1.1.{n}", "key", "", tool, {}, "once", "allow", state, result="said\nso")
        for n, (tool, state) in enumerate(states.items(), 1)
    )
    step = Step(1, "openai/gpt", "Well.", Usage(), "end", "hash", 1000.0, 0.1, effects=calls)
    closed = Closed(*WHERE, Turn("t1", "arya", "cli:main", TurnState.CLOSED, (), 1000.0, (step,)))
    told = describe(closed, verbose=False).splitlines()
    assert told == ["note: shell (t1.1.1): said so", "note: pay (t1.1.2): said so"]
    assert len(describe(closed, verbose=True).splitlines()) == 3


def test_the_rich_view_shows_the_same_lines_and_reads_no_markup_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    view = RichView(verbose=False)
    for news in NEWS:
        view.show(news)
    view.pause()
    shown = capsys.readouterr().err
    assert "<- [/red] done: two lines" in shown
    assert "\x1b[2J" not in shown


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for news in NEWS:
        Quiet().show(news)
    assert capsys.readouterr() == ("", "")
