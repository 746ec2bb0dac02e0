"""Reading the text of a JSON answer while it is being written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from anima.models.answer_text import AnswerText


@given(st.text(), st.integers(1, 7), st.booleans())
def test_the_letters_are_the_answers_however_it_arrives(text: str, size: int, ascii_only: bool) -> None:
    written = json.dumps({"answer": text}, ensure_ascii=ascii_only)
    reading = AnswerText()
    letters = [reading.feed(written[place : place + size]) for place in range(0, len(written), size)]
    assert "".join(letters) == text
    assert reading.written == written


def test_each_letter_is_told_as_soon_as_it_is_complete() -> None:
    reading = AnswerText()
    told = [
        reading.feed(piece) for piece in ('{ "answer"', ' : "H', "i\\", "n", "\\u00e", "9", "\\ud83d", "\\ude00", '"}')
    ]
    assert told == ["", "H", "i", "\n", "", "é", "", "😀", ""]


def test_a_tool_call_is_no_answer() -> None:
    reading = AnswerText()
    assert reading.feed('{"tool": "add", "args": {"answer": "x"}}') == ""
