"""Settings in, a running Runtime out: the one place that knows every room.

It does not know who asked for it, or what is done with the runtime.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from anima.clock import SystemClock, iso
from anima.errors import Problem
from anima.policy import check_grant
from anima.runtime import Agent, Mode, Runtime
from anima.sandbox.net import Reach
from anima.settings import Loaded
from anima.store import Disk
from anima.tools import catalog
from anima.vocabulary import Approver

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
