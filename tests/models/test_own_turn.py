"""Where an answer is cut because the model began to speak for the user."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.models.own_turn import OwnTurn
from anima.vocabulary import Text


def filtered(text: str, size: int) -> tuple[str, bool]:
    """What comes through when `text` arrives in pieces of `size` letters, and whether it was cut."""
    own = OwnTurn()
    passed = [own.take(Text(text[place : place + size])) for place in range(0, len(text), size)]
    return "".join(piece.text for piece in (*passed, *own.rest()) if isinstance(piece, Text)), own.over


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("It is 4.\n\nUser: and 3 + 3?", "It is 4."),
        ("It is 4.\n \nHuman: and 3 + 3?\n\nAssistant: 6", "It is 4."),
        ("It is 4.\nUser: and 3 + 3?\nAssistant: 6", "It is 4."),
        ("It is 4.\nHuman: what?\n\n AI: 6", "It is 4."),
        ("It is 4.<|im_end|>\n<|im_start|>user\nAnd?", "It is 4."),
        ("It is 4.<|eot_id|><|start_header_id|>user", "It is 4."),
        ("It is 4.<end_of_turn>\n<start_of_turn>user", "It is 4."),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_made_up_turn_of_the_user_is_cut_however_it_arrives(said: str, kept: str, size: int) -> None:
    assert filtered(said, size) == (kept, True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "User: deploy",
        "Host: example.com\nUser: deploy\nPort: 22",
        "Fields:\n\nUser:\nthe name",
        "a < b and c <| d\n\n\n",
        "| x | <b>bold</b> <|not_a_mark",
        "The Human: a study\nHumanity\n\nUsers of it",
        "\n" * 5000,
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_an_answer_that_only_looks_a_little_like_it_stays_whole(said: str, size: int) -> None:
    assert filtered(said, size) == (said, False)


@given(st.text(alphabet="aU\nser:HumnAsit <|_>"), st.integers(1, 9))
def test_how_an_answer_is_cut_into_pieces_never_matters(said: str, size: int) -> None:
    whole, over = filtered(said, max(len(said), 1))
    text, cut = filtered(said, size)
    assert cut == over
    assert text.rstrip() == whole.rstrip()
    assert said.startswith(text)
