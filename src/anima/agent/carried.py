"""What a summary may not lose, found by rule and carried beside it word for word: open asks, promises, ids.

Rules find too much rather than too little; the newest are kept where there are too many. This module does not ask a
model.
"""

import re
from collections.abc import Iterator, Sequence

from anima.agent.weaving import clipped
from anima.vocabulary import EffectState, Turn

SENTENCES, SENTENCE = 30, 300
"""How many asks and promises are carried, and the characters of each."""
IDS, ID = 60, 120
"""How many ids are carried, and the characters of each."""
RESULT = 1_000
"""Characters of a tool's result in which ids are looked for."""

_ASK = re.compile(
    r"\b(remind|don'?t forget|do not forget|remember to|from now on|always|never|later|tomorrow|tonight|next week"
    r"|as soon as|until then|every (day|week|morning|evening|month|monday|friday))\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(I'?ll|I will|I shall|I'?m going to|I am going to|I promise|let you know|remind you|get back to you)\b",
    re.IGNORECASE,
)
_ID = re.compile(
    r"https?://[^\s\"'<>)\]]+|[\w.+-]+@[\w-]+\.[\w.-]+\w"
    r"|\b[0-9a-f]{8}-[0-9a-f-]{20,}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b"
    r"|\b[A-Z]{2,}[A-Z0-9]*[-_]?\d+\b|\B#\d+\b|\b[\w-]*\d{4,}[\w-]*\b"
    r"|(?:~|\B\.{1,2})?(?<!\w)/[\w.-]+(?:/[\w.-]+)+|\b[\w-]+\.(?!\d)[a-z]{2,4}\b"
)
_IDS = "ids: "


def carry(before: Sequence[str], turns: Sequence[Turn]) -> list[str]:
    """The lines to carry: those carried `before`, then what these turns add."""
    sentences = [line for line in before if not line.startswith(_IDS)]
    ids = [id for line in before if line.startswith(_IDS) for id in line.removeprefix(_IDS).split(" ")]
    for turn in turns:
        sentences += _sentences(turn)
        ids += (found[0][:ID] for text in _texts(turn) for found in _ID.finditer(text))
    kept = _newest(ids, IDS)
    return [*_newest(sentences, SENTENCES), *([_IDS + " ".join(kept)] if kept else [])]


def _newest(lines: Sequence[str], most: int) -> list[str]:
    """Each line once, where it came last."""
    return list(dict.fromkeys(reversed(lines)))[:most][::-1]


def _sentences(turn: Turn) -> Iterator[str]:
    for event in turn.events:
        yield from (f'{turn.id}, asked: "{said}"' for said in _matching(_ASK, event.text))
    if turn.limit is not None or not (turn.answer or turn.silent):
        yield f'{turn.id}, not finished: "{clipped(turn.events[0].text, SENTENCE)}"'
    for effect in turn.effects:
        if effect.state in (EffectState.UNKNOWN, EffectState.WAITING):
            yield f"{turn.id}, outcome {effect.state}: {effect.id} {effect.tool}"
    for step in turn.steps:
        if step.kind == "think":
            yield from (f'{turn.id}, promised: "{said}"' for said in _matching(_PROMISE, step.text))


def _matching(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    sentences = re.split(r"(?<=[.!?])\s+|\n+", text)
    return (clipped(said.strip(), SENTENCE) for said in sentences if pattern.search(said))


def _texts(turn: Turn) -> Iterator[str]:
    yield from (event.text for event in turn.events)
    for step in turn.steps:
        if step.kind == "think":
            yield step.text
            for effect in step.effects:
                yield from (str(value) for value in effect.arguments.values())
                yield (effect.result or "")[:RESULT]
