"""Cuts an answer where the model begins to write the other side of the conversation.

A model that has not learnt where its turn ends goes on with a turn of the user's, then answers that. What it makes up
is told by a chat template's own marks, by a paragraph that begins with `User:` or `Human:`, or by such a line followed
by one of the assistant's. A single line `User: deploy` in the middle of a list is an answer like any other.
"""

import re
from collections.abc import Iterator

from anima.vocabulary import Chunk, Text, ToolCall

# Repetitions are bounded: a model that writes nothing but line breaks must not cost the square of them.
_MARK = re.compile(
    r"<\|(?:im_start|im_end|eot_id|start_header_id|end|user|endoftext)\|>|<(?:start|end)_of_turn>"
    r"|\n[ \t]{0,8}\n(?:User|Human): "
    r"|\n(?:User|Human):[^\n]*\n\s{0,8}(?:Assistant|AI):"
)
_MAY_BECOME_A_MARK = re.compile(
    r"<\|?[a-z_]{0,16}\|?$"
    r"|\n\s{0,8}(?:U|Us|Use|User|H|Hu|Hum|Huma|Human)?$"
    r"|\n\s{0,8}(?:User|Human):[^\n]*(?:\n\s{0,8}(?:A|As|Ass|Assi|Assis|Assist|Assista|Assistan|Assistant|AI)?)?$"
)


class OwnTurn:
    """Lets through the model's own turn. `over` says that the rest is made up."""

    def __init__(self) -> None:
        self.over = False
        self._held = ""

    def take(self, chunk: Chunk) -> Chunk | None:
        """The chunk, or what of it is the model's own for sure; None if nothing is."""
        if not isinstance(chunk, Text):
            return None if self.over and isinstance(chunk, ToolCall) else chunk
        text = self._sure(chunk.text)
        return Text(text) if text else None

    def rest(self) -> Iterator[Text]:
        """What was held back and turned out to be the model's own."""
        if self._held:
            yield Text(self._held)
        self._held = ""

    def _sure(self, text: str) -> str:
        if self.over:
            return ""
        held = self._held + text
        mark = _MARK.search(held)
        if mark:
            self.over, self._held = True, ""
            return held[: mark.start()].rstrip()
        doubt = _MAY_BECOME_A_MARK.search(held) if "\n" in held or "<" in held else None
        place = doubt.start() if doubt else len(held)
        self._held = held[place:]
        return held[:place]
