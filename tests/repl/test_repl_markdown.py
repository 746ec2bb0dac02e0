"""Markdown on a terminal while it is still being thought."""

import io

import pytest
from rich.console import Console

from anima.cli.repl.markdown import MarkdownSheet, Rendered, split
from anima.testing import FakeClock


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("", ""),
        ("One", ""),
        ("One\n\n", ""),
        ("One\n\nT", "One\n\n"),
        ("One\ntwo\n", ""),
        ("- a\n\n  more of a", ""),
        ("- a\n\n- b", "- a\n\n"),
        ("```\nx\n\ny", ""),
        ("```\nx\n\ny\n```\n\nz", "```\nx\n\ny\n```\n\n"),
        ("````\n```\n\ny", ""),
        ("~~~ py\n\n```\n\n~~~\n\nz", "~~~ py\n\n```\n\n~~~\n\n"),
    ],
)
def test_what_cannot_change_any_more_is_told_from_what_grows(text: str, done: str) -> None:
    assert split(text) == (done, text[len(done) :])


def rendered(text: str, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(Rendered(text))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "&#27;[2J",
        "&#x9b;2J",
        "&#x202e;x",
        "`\x1b[2J`",
        "```\n\x1b[2J\n```",
        "[x](http://e.com/&#27;[2J)",
        "\x1b]0;x\x07",
    ],
)
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    left = rendered(text)
    for style in ("\x1b[0m", "\x1b[1m", "\x1b[4m", "\x1b[1;36;40m"):
        left = left.replace(style, "")
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(left)


def test_html_is_shown_as_it_was_written() -> None:
    assert "<script>x</script>" in rendered("<script>x</script>")


def test_a_link_shows_where_it_leads() -> None:
    assert "bank (http://evil.example/)" in rendered("[bank](http://evil.example/)")


def test_lines_keep_to_the_window() -> None:
    assert max(len(line) for line in rendered("word " * 100, width=40).splitlines()) <= 40


async def test_a_text_that_comes_in_pieces_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    sheet = MarkdownSheet(clock)
    for piece in ("One **tw", "o**.\n\nThr", "ee.", "\n"):
        await clock.advance(1)
        sheet.write(piece)
    sheet.pause()
    sheet.end_line()
    assert capsys.readouterr().out.split() == ["One", "two.", "Three."]
