"""Loads an agent's settings: reads, checks, merges, and settles what a person may leave out.

It does not know what anybody does with a setting.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError

from anima.errors import Problem, SettingsError
from anima.settings.fields import NOT_ACTIVE_YET, Table
from anima.settings.file import AgentSettings, HomeSettings
from anima.settings.merge import HomeFile, Key, Origin, OwnFile, merged, origins, tables
from anima.settings.mistakes import mistakes, open_secrets
from anima.settings.persona import BESIDE, Persona, persona_text
from anima.settings.reading import Document, read

Kind = TypeVar("Kind", bound=Table)

HOME_FILE = "anima.toml"
PERSONAS = ("persona.md", "SOUL.md")
"""Files beside the settings that say who an agent is, where the settings do not."""


@dataclass(frozen=True)
class Loaded:
    """An agent's settings as they hold.

    `sources` tells for every dotted key where its value comes from: `config.toml:12`, `anima.toml:3` or `default`.
    `inactive` are the keys that somebody wrote, that are known, and that do nothing yet.
    """

    path: Path
    settings: AgentSettings
    sources: dict[str, str]
    inactive: list[str]
    origins: dict[Key, Origin] = field(repr=False)

    @property
    def persona(self) -> Persona:
        """Who the agent is, with the files beside its settings; read again when one of them changes."""
        agent, owner = self.settings.agent, self.settings.owner
        folder = self.path.absolute().parent
        parts = [agent.persona or self.settings.persona, *(folder / name for name in BESIDE)]
        return Persona(parts, agent.name, owner.name, owner.timezone)

    def problem(self, key: str, message: str, hint: str = "", *, item: object = None) -> Problem:
        """A mistake that another room found in `key` (`tools.enabled`), told where that, or one item of it, stands."""
        table, _, name = key.partition(".")
        origin = self.origins.get((table, name))
        if origin is None:
            return Problem(str(self.path), None, key, message, hint)
        within = (origin.value.index(item),) if item is not None else ()
        return origin.document.problem((*origin.key, *within), message, hint)


def load(path: Path, home: Path | None = None, kept: Mapping[Path, str] = MappingProxyType({})) -> Loaded:
    """The settings of one agent; `home` is the folder where an `anima.toml` may be. `kept` are texts read for files.

    Raises SettingsError with the mistakes of both files.
    """
    problems: list[Problem] = []
    shared = HomeFile()
    try:
        if home and (home / HOME_FILE in kept or os.path.lexists(home / HOME_FILE)):
            shared = load_home(home / HOME_FILE, kept)
    except SettingsError as error:
        problems += error.problems
    try:
        own = OwnFile(*_checked(path, AgentSettings, kept))
    except SettingsError as error:
        raise SettingsError(error.problems + problems) from error
    found = origins(own, shared)
    settings = merged(own.settings, shared.settings, found)
    problems += _half_named_model(settings, found)
    settings = _settle(settings, path, found, problems)
    if problems:
        raise SettingsError(problems)
    return Loaded(path, settings, _sources(settings, found), list(_inactive(settings, found)), found)


def load_home(path: Path, kept: Mapping[Path, str] = MappingProxyType({})) -> HomeFile:
    """`anima.toml`: what the agents of a home share. Raises SettingsError."""
    return HomeFile(*_checked(path, HomeSettings, kept))


def _checked(path: Path, kind: type[Kind], kept: Mapping[Path, str]) -> tuple[Document, Kind]:
    """A file, found right by itself."""
    document = read(path, kept.get(path))
    problems = open_secrets(document)
    try:
        settings = kind.model_validate(document.values, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise SettingsError(_in_order(problems + mistakes(document, kind, error))) from error
    if problems:
        raise SettingsError(_in_order(problems))
    return document, settings


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line or 0)


def _half_named_model(settings: AgentSettings, found: dict[Key, Origin]) -> Iterator[Problem]:
    """A model without its provider, or the other way round."""
    provider, model = settings.llm.provider, settings.llm.model
    if model is not None and provider is None:
        yield found["llm", "model"].problem("has no provider beside it", 'write provider = "openai", or whose it is')
    if provider not in (None, "local") and model is None:
        yield found["llm", "provider"].problem("has no model beside it", "write model = ... below it")


def _settle(settings: AgentSettings, path: Path, found: dict[Key, Origin], problems: list[Problem]) -> AgentSettings:
    """Fill in what follows from elsewhere: the persona's text, the workspace, how many conversations at a time."""
    folder = path.absolute().parent
    agent = settings.agent
    changes: dict[str, object] = {"workspace": agent.workspace or folder / "workspace"}
    if ("agent", "parallel") not in found and settings.runtime.parallel is not None:
        changes["parallel"] = settings.runtime.parallel
        found["agent", "parallel"] = found["runtime", "parallel"]
    if agent.persona and agent.system_prompt is not None:
        problems.append(found["agent", "persona"].problem("is given beside system_prompt", "keep one of them"))
    elif agent.system_prompt is None:
        beside = next((folder / name for name in PERSONAS if (folder / name).is_file()), None)
        if persona := agent.persona or beside:
            origin = found.get(("agent", "persona")) or Origin(Document(persona), (), persona)
            found["agent", "system_prompt"] = origin
            changes |= {"persona": persona, "system_prompt": _persona(persona, origin, problems)}
    return settings.model_copy(update={"agent": agent.model_copy(update=changes)})


def _persona(path: Path, origin: Origin, problems: list[Problem]) -> str:
    try:
        return persona_text(path)
    except SettingsError as error:
        problems += [origin.problem(f"{path}: {problem.message}", problem.hint) for problem in error.problems]
        return ""


def _sources(settings: AgentSettings, found: dict[Key, Origin]) -> dict[str, str]:
    return {
        f"{name}.{key}": found[name, key].place if (name, key) in found else "default"
        for name, table in tables()
        if getattr(settings, name) is not None
        for key in table.model_fields
    }


def _inactive(settings: AgentSettings, found: dict[Key, Origin]) -> Iterator[str]:
    """Each key once; a table that does nothing as a whole is named as a whole."""
    for name, place in AgentSettings.model_fields.items():
        if place.json_schema_extra == NOT_ACTIVE_YET:
            if getattr(settings, name):
                yield name
            continue
        table = getattr(settings, name)
        for key, inner in type(table).model_fields.items() if isinstance(table, Table) else ():
            if inner.json_schema_extra == NOT_ACTIVE_YET and (name, key) in found:
                yield f"{name}.{key}"
