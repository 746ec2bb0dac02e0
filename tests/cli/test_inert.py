"""Text from outside cannot drive a terminal."""

import pytest

from anima.cli.inert import escaped, one_line, stripped

ACTIVE = ["\x1b[2J", "\x07", "\r", "\x9b31m", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\U000e0041", "\x7f"]


@pytest.mark.parametrize("piece", ACTIVE)
def test_nothing_active_is_left(piece: str) -> None:
    assert piece[0] not in stripped(f"a{piece}b")
    assert piece[0] not in escaped(f"a{piece}b")


def test_ordinary_text_of_any_language_stays_as_it_is() -> None:
    text = "naïve 日本語 שלום 👩\u200d🚀\n\tdone"
    assert stripped(text) == escaped(text) == text


def test_what_was_taken_out_can_be_seen() -> None:
    assert escaped("rm\u202e -rf\x1b[K") == r"rm\u202e -rf\x1b[K"


def test_one_line_is_one_line_of_bounded_width() -> None:
    assert one_line("a\n b\r\n\x1b[1mc" + "d" * 200, 12) == "a b [1mcddd…"
