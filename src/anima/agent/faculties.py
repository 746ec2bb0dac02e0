"""What an agent thinks and acts with, handed to every turn of it.

This module does not know how any of it was made.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from anima.clock import Clock
from anima.models.model import Model
from anima.policy import Grants
from anima.settings import LimitSettings, Persona, ThinkSettings
from anima.store import Store
from anima.tools.toolbox import Toolbox
from anima.vocabulary import Approver, Attachment, Knock, Progress, Turn


class Left(Exception):
    """A turn was left where it can be taken up again, because its agent is let go."""


async def _at_once(effect: str, conversation: str) -> None:
    """Waits for nobody."""


@dataclass(frozen=True)
class Neighbours:
    """The other agents, as one of them sees them.

    `names` lists who lives here. `knock` tells the runtime that something for an agent is on disk. `listen(effect,
    conversation)` waits until the answer to a call has come, something new arrives in the conversation, or patience
    ends.
    """

    names: Callable[[], tuple[str, ...]] = tuple
    knock: Callable[[Knock], None] = field(default=lambda knock: None)
    listen: Callable[[str, str], Awaitable[None]] = _at_once


@dataclass(frozen=True)
class Faculties:
    """One agent's own: who it is (`system`), its model, tools, rights, limits, journal, clock and workspace.

    `approve` asks a person, None where nobody can be asked. `report` takes progress and never fails or waits.
    `read_file` gives an attachment's bytes. `scratch` is the folder below which every effect may have one of its own.
    `neighbours` are the other agents; `doubtful` are calls with an unknown outcome, by conversation. `leaving` says
    whether turns are to be left where they can be taken up again. `room` is how many tokens the model takes in, None
    where nobody knows. `system` is what `persona` said when it was read last, `note` what a message of that time is
    told with.
    """

    name: str
    system: str
    model: Model
    tools: Toolbox
    grants: Grants
    journal: Store
    clock: Clock
    workspace: Path
    scratch: Path
    think: ThinkSettings
    limits: LimitSettings
    read_file: Callable[[Attachment], bytes]
    report: Callable[[Progress], None]
    approve: Approver | None = None
    neighbours: Neighbours = field(default_factory=Neighbours)
    room: int | None = None
    persona: Persona | None = None
    note: Callable[[float], str] = lambda seconds: ""
    doubtful: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    leaving: Callable[[], bool] = lambda: False

    def renewed(self) -> "Faculties":
        """As its persona's files are now; itself while they stay the same."""
        words = self.persona.read() if self.persona else None
        if words is None or (words.text == self.system and words.note == self.note):
            return self
        return replace(self, system=words.text, note=words.note)

    def stay(self) -> None:
        """Passed where all of a turn is on disk and no call has begun. Raises Left when it is to be left there."""
        if self.leaving():
            raise Left

    def tell(self, kind: Callable[..., Progress], turn: Turn, step: int, **news: Any) -> None:
        """Report progress of one step of a turn."""
        self.report(kind(self.clock.now(), turn.agent, turn.conversation, turn.id, step, **news))

    @cached_property
    def recipe(self) -> str:
        """What contexts are made of, besides their turn's rows: short hashes of persona and tools."""
        persona = hashlib.sha256(self.system.encode()).hexdigest()[:12]
        tools = hashlib.sha256(b"".join(spec.digest for spec in self.tools.specs)).hexdigest()[:12]
        return f"persona:{persona} tools:{tools}"
