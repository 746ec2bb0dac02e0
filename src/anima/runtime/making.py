"""Making an actor of an agent: its model, tools, rights, workspace and journal brought together.

This module does not know when an agent wakes, or who else lives in the home.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from anima.agent.faculties import Faculties, Neighbours
from anima.clock import Clock
from anima.models.model import Model
from anima.models.providers import Providers
from anima.policy import Grants
from anima.runtime.actor import Actor
from anima.runtime.agent import Agent
from anima.runtime.attempt import Manner, Waiting
from anima.settings import Persona
from anima.store import Files, Store
from anima.tools.toolbox import Toolbox
from anima.vocabulary import Approver, Progress


@dataclass(frozen=True)
class Maker:
    """What all agents of a home share, and how each becomes an actor.

    `folder` holds a folder for each agent. `everything`: they work off all they are sent, and try again what fails.
    `hung_after` is how many seconds a turn may go without a sign of life.
    """

    folder: Path
    store: Store
    files: Files
    providers: Providers
    clock: Clock
    report: Callable[[Progress], None]
    approve: Approver | None
    everything: bool
    hung_after: float

    def make(
        self, agent: Agent, neighbours: Neighbours, waiting: Waiting, crashed: Callable[[Exception], None]
    ) -> Actor:
        """An actor that has not started yet. Raises OSError when its workspace cannot be made."""
        own = self.folder / agent.name
        workspace = agent.workspace or own / "workspace"
        workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
        toolbox = Toolbox(agent.tools, self.clock)
        me = Faculties(
            agent.name,
            "",
            self._model(agent),
            toolbox,
            _grants(agent, toolbox),
            self.store,
            self.clock,
            workspace.resolve(),
            own / "effects",
            agent.think,
            agent.limits,
            self.files.read,
            self.report,
            self.approve,
            neighbours,
            agent.room,
            Persona((agent.persona,), agent.name) if isinstance(agent.persona, str) else agent.persona,
        ).renewed()
        delays = agent.retry.event_delays if self.everything else ()
        return Actor(me, Manner(self.everything, agent.parallel, delays, self.hung_after), waiting, crashed)

    def _model(self, agent: Agent) -> Model:
        return self.providers.chain(agent.refs, agent.retry) if agent.refs else cast(Model, agent.model)


def _grants(agent: Agent, toolbox: Toolbox) -> Grants:
    return Grants(
        frozenset(spec.name for spec in toolbox.specs),
        tuple(agent.grants),
        frozenset(agent.http_private),
        tuple(agent.may_tell),
        tuple(agent.may_ask),
    )
