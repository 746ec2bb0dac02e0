"""Renewal: agents that are awake become what their settings say now, without a turn being lost.

Where the settings are wrong now, the agent stays as it is. This module does not know how settings are read.
"""

from anima.errors import AnimaError
from anima.runtime.agent import Agent
from anima.runtime.household import Awake, Household, Roster
from anima.runtime.tasks import Tasks


class Renewal:
    """Renews the agents of a household from its roster."""

    def __init__(self, household: Household, roster: Roster) -> None:
        self._household = household
        self._roster = roster
        self._next: dict[str, Agent] = {}
        self._at_it: set[str] = set()
        self._tasks = Tasks()

    async def reload(self) -> None:
        """Read the settings of those awake again; each changes as soon as its turns can be taken up again."""
        await self._household.count()
        for name in list(self._household.awake):
            try:
                found = await self._roster.find(name, self._household.store)
            except AnimaError as error:
                self._household.note(name, str(error))
                continue
            self._household.note(name, found.error if found else "its settings are gone")
            if found is not None and found.error is None:
                self._next[name] = found.agent
                if name not in self._at_it:
                    self._at_it.add(name)
                    self._tasks.begin(self._renew(name))

    async def aclose(self) -> None:
        """Renew nobody any more."""
        await self._tasks.end()

    async def _renew(self, name: str) -> None:
        try:
            while name in self._next and name in self._household.awake:
                await self._replace(name, self._household.awake[name])
        finally:
            self._at_it.discard(name)
            self._next.pop(name, None)

    async def _replace(self, name: str, before: Awake) -> None:
        """Make one who is awake anew, once its turns have come to where they can be taken up again."""
        await before.actor.leave(None)
        if self._household.awake.get(name) is before:
            actor = await self._household.take_in(self._next.pop(name), before.lease)
            actor.hold(name in self._household.resting)
            await actor.start()
