"""Settings in, a running Runtime out: the one place that knows every room.

It does not know who asked for it, or what is done with the runtime.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from anima.clock import SystemClock, iso
from anima.errors import Problem, SettingsError
from anima.policy import check_grant
from anima.runtime import Agent, Found, Keeper, Mode, Runtime, Terms, Told
from anima.sandbox.net import Reach
from anima.settings import HOME_FILE, HomeSettings, Loaded, load, load_home
from anima.store import Disk, Store
from anima.tools import catalog
from anima.triggers.schedule import Schedule, attending
from anima.triggers.timers import HomeTimers
from anima.vocabulary import Approver

AGENT_FILE, STORE = "agent.toml", "anima.db"
LOG_BYTES, LOG_FILES = 1_000_000, 5
"""When `anima.log` is set aside, and how many of those are kept."""


def tools_of(loaded: Loaded) -> catalog.Loaded:
    """The tools an agent's settings enable; runs the modules of its own tools."""
    reach = Reach(frozenset(loaded.settings.tools.http_private), any_port=True)  # the policy judges the port
    return catalog.load(loaded.settings.tools.enabled, loaded.path.absolute().parent, reach, SystemClock())


@dataclass(frozen=True)
class Described:
    """The agent that settings describe, as far as they make sense; what does not; and what is not active yet.

    `problems` are those only other rooms can find: tools that do not exist, grants that mean nothing. `inactive` are
    keys and tools that are known and not built yet.
    """

    agent: Agent
    problems: list[Problem]
    inactive: list[str]


def describe(loaded: Loaded) -> Described:
    """Find an agent's tools and check what the settings say about them."""
    settings = loaded.settings
    tools = tools_of(loaded)
    agent = Agent(
        settings.agent.name,
        model=settings.models,
        persona=loaded.persona,
        tools=tools.tools,
        grants=settings.tools.grants,
        http_private=settings.tools.http_private,
        may_tell=settings.peers.may_tell,
        may_ask=settings.peers.may_ask,
        think=settings.think,
        limits=settings.limits,
        retry=settings.retry,
        workspace=settings.agent.workspace,
        parallel=settings.agent.parallel,
    )
    problems = [loaded.problem("tools.enabled", each.message, each.hint, item=each.name) for each in tools.problems]
    inactive = [*loaded.inactive, *(f"tool {name}" for name in tools.inactive)]
    return Described(agent, problems + _grant_problems(loaded, tools), inactive)


def open_runtime(loaded: Loaded, agent: Agent, home: Path, approve: Approver | None) -> Runtime:
    """A runtime in which `agent` does one thing it is asked, and makes one attempt at it. The caller enters it."""
    memory, disk = loaded.settings.memory, Disk(low_water=loaded.settings.store.low_water)
    mode = Mode("asked", in_memory=memory.backend == "in_memory", store=memory.path, disk=disk)
    return Runtime(home, [agent], approve=approve, mode=mode)


async def keep_home(home: Path, told: Told) -> bool:
    """Keep a home alive until it is asked to end; whether it is to be started anew. Raises AgentBusy, StoreError."""
    settings = _home_settings(home)
    terms = settings.runtime
    async with home_alive(home) as keeper:
        await keeper.keep(told, Terms(terms.stop_timeout, terms.stalled_after, settings.web.port))
        return keeper.again


@asynccontextmanager
async def home_alive(home: Path, approve: Approver | None = None) -> AsyncIterator[Keeper]:
    """A home in this process, with what wakes its agents; its door is still closed. Raises AgentBusy, StoreError."""
    roster, clock, settings = HomeRoster(home), SystemClock(), _home_settings(home)
    mode = Mode(disk=Disk(low_water=settings.store.low_water), hung_after=settings.runtime.hung_after)
    async with Runtime(home, roster=roster, approve=approve, mode=mode, clock=clock) as runtime:
        store = runtime.store
        schedule = Schedule(store.timers, HomeTimers(home, store.residents).find, clock)
        async with attending(schedule.listen(runtime.household.post)):
            yield Keeper(home, runtime, roster, clock)


def _home_settings(home: Path) -> HomeSettings:
    """What the home's file says of the process; what it says by default where it is wrong."""
    with suppress(SettingsError):
        if (home / HOME_FILE).exists():
            return load_home(home / HOME_FILE).settings
    return HomeSettings()


@contextmanager
def log_kept(home: Path) -> Iterator[None]:
    """Meanwhile what the rooms log goes to `logs/anima.log` of the home: JSON lines, rotated, for its owner alone."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    to_file = _PrivateFile(folder / "anima.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    to_file.setFormatter(_Lines())
    log = logging.getLogger("anima")
    before = log.level, log.propagate
    log.addHandler(to_file)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(to_file)
        log.level, log.propagate = before
        to_file.close()


class HomeRoster:
    """Looks agents up in a home's folder, and in the settings that were last right where they are wrong now."""

    def __init__(self, home: Path) -> None:
        self._home = home

    async def names(self, store: Store) -> list[str]:
        """Agents that have a settings file of their own."""
        del store
        with os.scandir(self._home / "agents") as folders:
            return [folder.name for folder in folders if os.path.exists(Path(folder.path) / AGENT_FILE)]

    async def find(self, name: str, store: Store) -> Found | None:
        """The agent as its settings say; as they last said, without any right, where they are wrong now."""
        path = self._home / "agents" / name / AGENT_FILE
        if not path.exists():
            resident = await store.residents.find(name)
            if resident is None or resident.template is None:
                return None
            path = self._home / "agents" / resident.template / AGENT_FILE
        try:
            return Found(_named(name, _agent(await self._right(path, store))))
        except SettingsError as error:
            agent = _named(name, _agent(await self._last_right(path, store, error)))
            return Found(replace(agent, grants=(), http_private=(), may_tell=(), may_ask=()), str(error))

    async def faults(self, store: Store) -> dict[str, str]:
        """What is wrong with the home's file, or else with each agent's."""
        found = {}
        try:
            if (self._home / HOME_FILE).exists():
                load_home(self._home / HOME_FILE)
        except SettingsError as error:
            return {"": str(error)}
        for name in await self.names(store):
            try:
                await self._right(self._home / "agents" / name / AGENT_FILE, store)
            except SettingsError as error:
                found[name] = str(error)
            await asyncio.sleep(0)
        return found

    async def _right(self, path: Path, store: Store) -> Loaded:
        """Settings as they are; remembered when they are right. Raises SettingsError."""
        loaded = load(path, self._home)
        memory, name = loaded.settings.memory, loaded.settings.agent.name
        if memory.backend != "sqlite" or (memory.path or self._home / STORE) != self._home / STORE:
            key = "memory.backend" if memory.backend != "sqlite" else "memory.path"
            hint = "remove it, or use `anima run` with this file"
            raise SettingsError([loaded.problem(key, "keeps its turns outside of the home's store", hint)])
        if name != path.parent.name:
            message = f"is not the name of its folder, {path.parent.name}"
            raise SettingsError([loaded.problem("agent.name", message, "rename one of them")])
        for file, key in ((path, name), (self._home / HOME_FILE, "")):
            if file.exists():
                await store.residents.keep_settings(key, file.read_text(encoding="utf-8"))
        return loaded

    async def _last_right(self, path: Path, store: Store, error: SettingsError) -> Loaded:
        """Settings of which one or both files are read as they were last right. Raises `error` where that fails."""
        places = {path: path.parent.name, self._home / HOME_FILE: ""}
        kept = {file: text for file, name in places.items() if (text := await store.residents.settings(name))}
        for files in ([path], [self._home / HOME_FILE], list(places)):
            with suppress(SettingsError):
                return load(path, self._home, {file: kept[file] for file in files if file in kept})
        raise error


def _agent(loaded: Loaded) -> Agent:
    described = describe(loaded)
    if described.problems:
        raise SettingsError(described.problems)
    return described.agent


def _named(name: str, agent: Agent) -> Agent:
    """Its template's agent under its own name, with a workspace of its own."""
    return agent if agent.name == name else replace(agent, name=name, workspace=None)


class _PrivateFile(RotatingFileHandler):
    """Its files are 0600 from their first byte on."""

    def _open(self) -> TextIOWrapper:
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return open(file, "a", encoding=self.encoding)


class _Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": iso(record.created),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        if agent := record.__dict__.get("agent"):
            line["agent"] = agent
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _grant_problems(loaded: Loaded, tools: catalog.Loaded) -> list[Problem]:
    """Grants that are not written as one, or name a tool that is not enabled."""
    names = [tool.name for tool in tools.tools]
    enabled = {*names, *tools.inactive, *(problem.name for problem in tools.problems)}
    problems = []
    for grant in loaded.settings.tools.grants:
        tool = grant.partition(":")[0]
        if wrong := check_grant(grant):
            problems.append(loaded.problem("tools.grants", f"{grant!r} is no grant", wrong, item=grant))
        elif tool not in enabled:
            near = get_close_matches(tool, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "name it in tools.enabled, too"
            message = f"{grant!r} is for a tool that is not enabled"
            problems.append(loaded.problem("tools.grants", message, hint, item=grant))
    return problems
