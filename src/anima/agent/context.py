"""Context: exactly what the model is shown, built so that its prefix stays the same bytes from step to step.

Persona, tools, the turns before, this turn. This module does not know any provider's format.
"""

from anima.agent.faculties import Faculties
from anima.agent.past import Past
from anima.agent.weaving import files_of, weave
from anima.vocabulary import Context, Message, Turn


class Transcript:
    """The messages of one turn behind those of its past; grows with the turn, and no message is made twice."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self._own: list[Message] = []
        self._events = self._steps = 0
        self._last: Context | None = None

    @property
    def shown(self) -> tuple[int, str] | None:
        """The last step for which a context was made, and that context's hash."""
        return (self._steps + 1, self._last.digest) if self._last else None

    @property
    def own(self) -> tuple[Message, ...]:
        return tuple(self._own)

    async def context(self, turn: Turn, me: Faculties) -> Context:
        """What the model is shown for the next step of `turn`; every call so far must be answered."""
        await self._follow(turn, me)
        self._last = Context(me.system, (*self.past.messages, *self._own), me.tools.specs)
        return self._last

    async def close(self, turn: Turn, me: Faculties) -> None:
        """Take in the turn's end, so that the next turn sees it."""
        await self._follow(turn, me)
        if turn.notice:
            self._own.append(Message("assistant", turn.notice))

    async def _follow(self, turn: Turn, me: Faculties) -> None:
        events, steps = turn.events[self._events :], turn.steps[self._steps :]
        self._events, self._steps = len(turn.events), len(turn.steps)
        self._own += weave(events, steps, await files_of(events, me), me.note)
