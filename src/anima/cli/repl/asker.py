"""Who lets a call run: the person at the terminal, at once where they wait for the turn, else when they say so.

Without an answer in time it does not run. This module does not know what a call does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from anima.cli.approval import TerminalApprover, question
from anima.cli.repl.screen import Screen
from anima.errors import UsageError
from anima.vocabulary import Call

PATIENCE = 600.0
"""Seconds a call waits for a yes."""


@dataclass
class Asker:
    """Asks about calls. `waited_for` says whether the person waits for what this agent does now.

    A question that comes while a line is typed would take the line for its answer: it is told, and waits for
    `/approve` or `/deny`.
    """

    screen: Screen
    terminal: TerminalApprover
    waited_for: Callable[[str], bool] = lambda agent: True
    pending: dict[str, "asyncio.Future[bool]"] = field(default_factory=dict)
    _asked: int = 0

    async def __call__(self, call: Call) -> bool:
        if self.waited_for(call.agent):
            async with self.screen.question():
                return await self.terminal(call)
        self._asked += 1
        id = f"A{self._asked}"
        self.screen.note(question(call, f"/approve {id} or /deny {id}"))
        answer = self.pending[id] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            self.screen.note(f"no answer came in time: {id} is denied")
            return False
        finally:
            del self.pending[id]

    def decide(self, id: str | None, allowed: bool) -> str:
        """Answer a question that waits; None is the oldest. Returns its id, raises UsageError."""
        chosen = next(iter(self.pending), None) if id is None else id
        if chosen not in self.pending:
            what = "nothing waits for your yes" if id is None else f"no call {id} waits for your yes"
            raise UsageError(what, f"waiting: {', '.join(self.pending) or 'none'}")
        if not self.pending[chosen].done():
            self.pending[chosen].set_result(allowed)
        return chosen
