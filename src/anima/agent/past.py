"""The past of a conversation as the model is shown it: a window over its turns, behind a summary of those before.

The window moves in jumps: it grows to twice `history_turns`, or to what fits the model, then begins later at once.
Between two jumps its bytes only grow at the end. Every step's recipe names the turn the window began with and the
summary before it (`past:t21 summary:t40.1`), so that a restart shows the same. This module does not know when the
window jumps or how a summary is made.
"""

from dataclasses import dataclass
from functools import cached_property

from anima.agent.faculties import Faculties
from anima.agent.weaving import files_of, messages, size
from anima.vocabulary import NEW, Message, Step, Turn

NOTE = """\
[Record of this conversation up to turn {until}, made because it has grown long. What it reports as done was done and \
answered then: do not do it again. What follows it is the conversation itself, word for word; answer its last message.]

{text}"""


ORDERS = 8
"""Turns that only obeyed an order, and are read and not shown, at most."""


@dataclass(frozen=True)
class Told:
    """One turn as the model is shown it; `tokens` is an estimate."""

    turn: str
    messages: tuple[Message, ...]

    @cached_property
    def tokens(self) -> int:
        return size(self.messages)


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands for turns that are not shown any more: its step (`t40.1`), the last of those turns, its text."""

    step: str
    until: str
    text: str

    @property
    def message(self) -> Message:
        return Message("user", NOTE.format(until=self.until, text=self.text))


class Past:
    """The earlier turns of one conversation; kept while the conversation is hot."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.turns: list[Told] = []
        self.summary: Summary | None = None

    @classmethod
    async def read(cls, turn: Turn, me: Faculties) -> "Past":
        """What was said before `turn`, from the journal, as its last step showed it, or that of the turn before."""
        past = cls(me.think.history_turns)
        before = turn.events[0].number
        if before == 1 and not turn.conversation.startswith("fork:"):
            return past
        turns, _ = await me.journal.history(turn.agent, turn.conversation, before, 2 * past.window + ORDERS)
        turns = this_episode(turns)
        seer, mark = next(((each, mark) for each in (turn, *reversed(turns)) if (mark := _mark(each))), (turn, {}))
        first = number(mark["past"]) if mark else 0
        for earlier in turns:
            late = seer is not turn and (earlier.closed or 0.0) > seer.opened  # it was put off, and nobody saw it yet
            if (number(earlier.id) >= first or late) and not earlier.is_order:
                past._show(earlier.id, tuple(messages(earlier, await files_of(earlier.events, me), me.note)))
        if past.window and "summary" in mark:
            past.summary = await _summary(mark["summary"], me)
        me.doubtful[turn.conversation] = await me.journal.unknowns(turn.agent, turn.conversation)
        return past

    def add(self, turn: Turn, own: tuple[Message, ...]) -> None:
        """One more turn has closed. One that was `/new` ends the episode."""
        if turn.is_order:
            if turn.events[0].text == NEW:
                self.turns, self.summary = [], None
            return
        self._show(turn.id, own)

    def cut(self, keep: int, summary: Summary | None = None) -> None:
        """Begin the window `keep` turns from its end; `summary` stands for all before it from now on."""
        self.turns = self.turns[len(self.turns) - keep :]
        self.summary = summary or self.summary

    def shorten(self) -> bool:
        """Leave out the older half, for a model that could not take it all; False when nothing is left to leave out."""
        if not self.turns:
            return False
        self.cut(len(self.turns) // 2)
        return True

    def recipe(self, turn: str) -> str:
        """Which turn the window begins with (`turn` itself when it is empty), and the summary before it."""
        first = self.turns[0].turn if self.turns else turn
        return f"past:{first} summary:{self.summary.step}" if self.summary else f"past:{first}"

    @property
    def tokens(self) -> int:
        """About how many tokens all of it is."""
        return sum(told.tokens for told in self.turns) + (size([self.summary.message]) if self.summary else 0)

    @property
    def messages(self) -> tuple[Message, ...]:
        before = (self.summary.message,) if self.summary else ()
        return (*before, *(message for told in self.turns for message in told.messages))

    def _show(self, id: str, own: tuple[Message, ...]) -> None:
        if self.window:
            self.turns.append(Told(id, own))


def number(id: str) -> int:
    """The order of turns: `t17` -> 17."""
    return int(id[1:])


def this_episode(turns: list[Turn]) -> list[Turn]:
    """The turns since the last `/new`."""
    ends = [place for place, turn in enumerate(turns) if turn.is_order and turn.events[0].text == NEW]
    return turns[ends[-1] + 1 :] if ends else turns


def _mark(turn: Turn) -> dict[str, str]:
    """What the recipe of its last step says of the past."""
    for step in reversed(turn.steps):
        words = parts(step)
        if "past" in words:
            return words
    return {}


def parts(step: Step) -> dict[str, str]:
    """A recipe's words: `past:t21` is `{"past": "t21"}`."""
    pairs = (word.partition(":") for word in step.recipe.split())
    return {name: value for name, _, value in pairs}


async def _summary(id: str, me: Faculties) -> Summary | None:
    """The summary a recipe names (`t40.1`), from the journal."""
    turn, _, n = id.partition(".")
    found = await me.journal.turn(turn)
    step = next((step for step in found.steps if str(step.n) == n), None) if found else None
    return None if step is None else Summary(id, parts(step)["until"], step.text)
