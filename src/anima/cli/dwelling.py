"""Where an agent lives: its folder and its row, made, copied, renamed and taken away together.

An agent that shares another's settings is a row alone; its folder appears when something is written in it. A home that
is alive hears of a newcomer. This module prints nothing and does not know who asks.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anima.app import describe
from anima.cli.init import AGENT, NAME, PERSONA, choose_model, write_files
from anima.clock import Clock, stamp
from anima.errors import NotFound, SettingsError, UsageError
from anima.runtime import door_of, knock
from anima.settings import HOME_FILE, Loaded, load, load_home
from anima.settings.writing import with_value, without_value
from anima.store import Lease, command, residents
from anima.store.move import export_agent

AGENT_FILE = "agent.toml"
_FRESH = '[agent]\nname = "{name}"\npersona = "persona.md"\n\n[tools]\nenabled = ["now", "list_files", "read_file"]\n'


@dataclass(frozen=True)
class Dwellings:
    """The places of a home's agents."""

    home: Path
    clock: Clock

    def folder(self, name: str) -> Path:
        return self.home / "agents" / name

    def settings_file(self, name: str) -> Path:
        """The file an agent lives by: its own, or its template's. Raises NotFound."""
        own = self.folder(name) / AGENT_FILE
        if own.exists():
            return own
        resident = self._resident(name)
        if resident is None:
            raise NotFound(f"no agent is called {name!r} here", "`anima agent list` shows all agents")
        if resident.template is None:
            raise NotFound(f"{name} has no settings here", f"write {own}, or run it with its own file")
        return self.settings_file(resident.template)

    def create(self, name: str, model: str | None, persona: Path | None) -> Path:
        """A new agent with a folder of its own. Returns its settings file. Raises UsageError, SettingsError."""
        self._free(name)
        text = self._fresh(name, model)
        words = PERSONA.format(name=name)
        file = "persona.md"
        if persona is not None:
            file = f"{name}.persona" if persona.suffix == ".persona" else file
            words = _read(persona)
            text = with_value(text, "agent", "persona", file)
        return self._move_in(name, {AGENT_FILE: text, file: words})

    def lodge(self, name: str, template: str) -> None:
        """A new agent that lives by the settings of another: a row."""
        self._free(name)
        if not (self.folder(template) / AGENT_FILE).exists():
            raise NotFound(f"there is no agent {template!r} with settings of its own", "`anima agent list` shows all")
        self._enroll(name, template)

    def copy(self, name: str, new: str) -> None:
        """Another agent with the same settings and pages; it begins without a past."""
        self._free(new)
        own = self.folder(name)
        if not (own / AGENT_FILE).exists():
            self.lodge(new, self.settings_file(name).parent.name)
            return
        pages = {page.name: page.read_text(encoding="utf-8") for page in sorted(own.iterdir()) if _is_page(page)}
        text = (own / AGENT_FILE).read_text(encoding="utf-8")
        self._move_in(new, {**pages, AGENT_FILE: with_value(text, "agent", "name", new)})

    def rename(self, old: str, new: str) -> None:
        """Give an agent another name; one that was cut off in the middle goes on. Raises AgentBusy, UsageError."""
        moved = self._resident(old) is None and self._resident(new) is not None and not self.folder(new).exists()
        if not moved:
            self._free(new)
            self._known(old)
        with self._alone(old):
            if not moved and self._resident(old) is not None:
                with command.changing(self.home / "anima.db") as db:
                    residents.rename(db, old, new)
            file = self.folder(old) / AGENT_FILE
            if file.exists():
                rewrite(file, with_value(file.read_text(encoding="utf-8"), "agent", "name", new))
            if self.folder(old).exists():
                os.rename(self.folder(old), self.folder(new))
        self._look(new)

    def remove(self, name: str) -> Path:
        """Take an agent out of the home; what there was of it is in the folder that is returned, below `backups/`."""
        self._known(name)
        path = self.home / "backups" / f"{name}-{stamp(self.clock.now())}"
        with self._alone(name):
            if self._resident(name) is not None:
                with command.reading(self.home / "anima.db") as db:
                    if pupils := residents.pupils(db, name):
                        raise UsageError(f"{name} is the template of {', '.join(pupils[:5])}", "remove them first")
            path.mkdir(parents=True, mode=0o700)
            if self._resident(name) is not None:
                export_agent(name, self.home, path / f"{name}.tar", self.clock.now())
                with command.changing(self.home / "anima.db") as db:
                    residents.retire(db, name, stamp(self.clock.now()))
            if self.folder(name).exists():
                os.rename(self.folder(name), path / name)
        return path

    def check(self, file: Path) -> Loaded:
        """The settings of a file, right in every respect. Raises SettingsError."""
        loaded = load(file, self.home)
        if problems := describe(loaded).problems:
            raise SettingsError(problems)
        return loaded

    def _fresh(self, name: str, model: str | None) -> str:
        if model is None and self._has_default_model():
            return _FRESH.format(name=name)
        offer = choose_model(model, asking=False)
        fallback = "" if offer.provider == "local" else 'fallback = ["local"]\n'
        return AGENT.format(name=name, provider=offer.provider, model=offer.model, fallback=fallback)

    def _has_default_model(self) -> bool:
        file = self.home / HOME_FILE
        return file.exists() and load_home(file).settings.defaults.llm.provider is not None

    def _move_in(self, name: str, files: Mapping[str, str]) -> Path:
        own = self.folder(name)
        write_files(self.home, {own / file: text for file, text in files.items()})
        try:
            self.check(own / AGENT_FILE)
        except SettingsError:
            for file in files:
                (own / file).unlink()
            raise
        self._enroll(name, None)
        return own / AGENT_FILE

    def _enroll(self, name: str, template: str | None) -> None:
        with command.changing(self.home / "anima.db", fresh=True) as db:
            residents.enroll(db, [(name, self.clock.new_key())], self.clock.now(), template)
        self._look(name)

    def _look(self, name: str) -> None:
        """Tell a runtime that keeps the home alive, if there is one."""
        knock(door_of(self.home), {"do": "look", "agent": name})

    def _free(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot be an agent's name", "use letters, digits, - and _, 64 at most")
        if (self.folder(name) / AGENT_FILE).exists() or self._resident(name) is not None:
            raise UsageError(f"an agent is called {name!r} already", "choose another name; nothing was changed")

    def _known(self, name: str) -> None:
        if not (self.folder(name) / AGENT_FILE).exists() and self._resident(name) is None:
            raise NotFound(f"no agent is called {name!r} here", "`anima agent list` shows all agents")

    def _resident(self, name: str) -> residents.Resident | None:
        if not (self.home / "anima.db").exists():
            return None
        with command.reading(self.home / "anima.db") as db:
            return residents.find(db, name)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """While nobody runs the agent. Raises AgentBusy."""
        if not self.folder(name).exists():
            yield
            return
        lease = Lease(self.folder(name), name)
        try:
            yield
        finally:
            lease.release()


def with_model(text: str, model: str) -> str:
    """Settings that name another model; an address and a key of the one before go with it. Raises UsageError."""
    offer = choose_model(model, asking=False)
    for key in ("base_url", "api_key", "price"):
        text = without_value(text, "llm", key)
    return with_value(with_value(text, "llm", "model", offer.model), "llm", "provider", offer.provider)


def rewrite(file: Path, text: str) -> None:
    """Put a whole new text in a file's place (0600)."""
    draft = file.with_name(f".{file.name}.draft")
    with open(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, file)


def put_persona(dwellings: Dwellings, name: str, source: Path) -> None:
    """Give an agent that has settings of its own another persona."""
    file = dwellings.folder(name) / AGENT_FILE
    page = f"{name}.persona" if source.suffix == ".persona" else "persona.md"
    rewrite(file.with_name(page), _read(source))
    text = without_value(file.read_text(encoding="utf-8"), "agent", "system_prompt")
    rewrite(file, with_value(text, "agent", "persona", page))


def _read(persona: Path) -> str:
    try:
        return persona.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{persona} cannot be read: {error}", "name a file of text") from error


def _is_page(page: Path) -> bool:
    return page.is_file() and not page.is_symlink() and page.suffix in (".toml", ".md", ".persona")
