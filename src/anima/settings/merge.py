"""Lays an agent's own file over what its home shares, key by key, remembering where each value stands.

This module does not know what any key means, but one: a provider brings its own address and key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anima.errors import Problem
from anima.settings.fields import Table
from anima.settings.file import AgentSettings, Defaults, HomeSettings
from anima.settings.mistakes import model_in
from anima.settings.reading import Document

Key = tuple[str, str]
"""A table and a key in it."""

OF_ANY_PROVIDER = frozenset({"fallback", "timeout"})
"""Keys of [defaults.llm] that still hold for an agent that names another provider."""


@dataclass(frozen=True)
class Origin:
    """Where a value stands, and the value."""

    document: Document
    key: tuple[str, ...]
    value: Any

    @property
    def place(self) -> str:
        """As `config.toml:12`; a file that is the value as a whole has no line."""
        line = self.document.line(self.key)
        return self.document.path.name if line is None else f"{self.document.path.name}:{line}"

    def problem(self, message: str, hint: str = "") -> Problem:
        """A mistake in this value."""
        return self.document.problem(self.key, message, hint)


@dataclass(frozen=True)
class OwnFile:
    """An agent's file, found right by itself."""

    document: Document
    settings: AgentSettings


@dataclass(frozen=True)
class HomeFile:
    """`anima.toml`, found right by itself; both empty where there is none."""

    document: Document = field(default_factory=lambda: Document(Path()))
    settings: HomeSettings = field(default_factory=HomeSettings)


def origins(own: OwnFile, home: HomeFile) -> dict[Key, Origin]:
    """The origin of every value that somebody wrote, as it holds for this agent."""
    mine = dict(_written(own.document, own.settings, ()))
    found = {
        key: origin
        for key, origin in (
            *_written(home.document, home.settings, ()),
            *_written(home.document, home.settings.defaults, ("defaults",)),
        )
        if not _of_another_provider(key, own.settings, home.settings.defaults)
    }
    return found | mine


def merged(own: AgentSettings, home: HomeSettings, found: dict[Key, Origin]) -> AgentSettings:
    """The settings as they hold: what somebody wrote, defaults for the rest."""
    changes: dict[str, Any] = {"channels": home.channels | own.channels, "triggers": own.triggers or home.triggers}
    for (table, key), origin in found.items():
        before = changes.get(table) or _plain(own, table)
        changes[table] = before.model_copy(update={key: origin.value})
    return own.model_copy(update=changes)


def tables() -> Iterator[tuple[str, type[Table]]]:
    """The tables of an agent's file that have fixed keys."""
    for name, place in AgentSettings.model_fields.items():
        table = model_in(place.annotation)
        if table is not None and name not in ("channels", "triggers"):
            yield name, table


def _plain(own: AgentSettings, table: str) -> Table:
    """A table as it is when nobody wrote anything into it; who the agent is has no default."""
    return own.agent if table == "agent" else dict(tables())[table]()


def _written(document: Document, settings: Table, above: tuple[str, ...]) -> Iterator[tuple[Key, Origin]]:
    for name, _ in tables():
        table = getattr(settings, name, None)
        if isinstance(table, Table):
            for key in sorted(table.model_fields_set):
                yield (name, key), Origin(document, (*above, name, key), getattr(table, key))


def _of_another_provider(key: Key, own: AgentSettings, defaults: Defaults) -> bool:
    mine = own.llm.provider
    elsewhere = mine is not None and mine != defaults.llm.provider
    return elsewhere and key[0] == "llm" and key[1] not in OF_ANY_PROVIDER
