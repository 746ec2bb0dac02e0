"""Finds tools by the names that `[tools] enabled` may hold.

    "read_file"            built in; names of the earlier Rust runtime lead to the same tools
    "my_tools:weather"     a function in a module beside the settings file, or an installed one
    "weather"              a tool of a file `tools/*.py` beside the settings file

This is the only place that loads a tool's module by its name. It knows no agent.
"""

import difflib
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from anima.clock import Clock
from anima.sandbox.net import Reach
from anima.tools.modules import import_file, import_named
from anima.tools.tool import Tool, tool

# Where each tool is, or a function that makes it for a reach and a clock.
_BUILT_IN = {
    "read_file": "anima.tools.files:read_file",
    "write_file": "anima.tools.files:write_file",
    "edit_file": "anima.tools.files:edit_file",
    "list_files": "anima.tools.files:list_files",
    "search_files": "anima.tools.files:search_files",
    "http": "anima.tools.http:http_within",
    "shell": "anima.tools.shell:shell",
    "now": "anima.tools.basics:now_by",
    "echo": "anima.tools.basics:echo",
    "add": "anima.tools.basics:add",
    "tell_agent": "anima.tools.messages:tell_agent",
    "ask_agent": "anima.tools.messages:ask_agent",
    "list_agents": "anima.tools.messages:list_agents",
}
BUILT_IN = frozenset(_BUILT_IN)
NOT_ACTIVE_YET = frozenset(
    {
        *("python", "spawn_agent", "remember", "recall", "forget"),
        *("edit_block", "send_message", "set_timer"),
    }
)
ALIASES = {
    "file_read": "read_file",
    "file_write": "write_file",
    "file_edit": "edit_file",
    "list_dir": "list_files",
    "list_directory": "list_files",
    "search": "search_files",
    "grep": "search_files",
    "http_request": "http",
    "fetch": "http",
    "bash": "shell",
    "run_command": "shell",
    "exec": "shell",
    "get_time": "now",
    "current_time": "now",
    "time": "now",
}


@dataclass(frozen=True)
class NotLoaded:
    """A name that led to no tool: why, and what to do about it."""

    name: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Loaded:
    """What the names led to. `inactive` are known, and not built yet."""

    tools: tuple[Tool, ...]
    inactive: tuple[str, ...] = ()
    problems: tuple[NotLoaded, ...] = ()


def load(names: Sequence[str], folder: Path | None, reach: Reach, clock: Clock) -> Loaded:
    """Find tools by name; `folder` is that of the settings file. Runs the modules of a user's own tools."""
    search = _Search(folder, reach, clock)
    inactive: list[str] = []
    problems: list[NotLoaded] = []
    tools: dict[str, Tool] = {}
    for name in dict.fromkeys(names):
        found = search.find(name)
        if found is None:
            inactive.append(name)
        elif isinstance(found, NotLoaded):
            problems.append(found)
        elif found.name not in tools:
            tools[found.name] = found
        elif found.function is not tools[found.name].function:
            problems.append(NotLoaded(name, f"another tool is called {found.name} too", "rename one: @tool(name=...)"))
    return Loaded(tuple(tools.values()), tuple(inactive), tuple(problems))


class _Search:
    """Finds tools for one settings file; each module and each built-in tool is made once."""

    def __init__(self, folder: Path | None, reach: Reach, clock: Clock) -> None:
        self._folder = folder
        self._made_for: dict[str, Callable[[Any], Tool]] = {
            "http": lambda make: make(reach),
            "now": lambda make: make(clock),
        }
        self._modules: dict[str, ModuleType] = {}
        self._built: dict[str, Tool] = {}

    def find(self, name: str) -> Tool | NotLoaded | None:
        """The tool, or what is wrong with the name; None for one that is not active yet."""
        if name in _BUILT_IN:
            return self._built_in(name)
        if ":" in name:
            return self._imported(name)
        tools, broken = self._beside
        if name in tools:
            return tools[name]
        if name in ALIASES:
            return self._built_in(ALIASES[name])
        if name in NOT_ACTIVE_YET:
            return None
        if broken:
            return NotLoaded(name, f"there is no tool {name}; {'; '.join(broken)}")
        near = difflib.get_close_matches(name, [*_BUILT_IN, *tools, *NOT_ACTIVE_YET], 1)
        hint = f"did you mean {near[0]}?" if near else "`anima tool list` shows what there is"
        return NotLoaded(name, f"there is no tool {name}", hint)

    def _built_in(self, name: str) -> Tool:
        if name not in self._built:
            module, _, attribute = _BUILT_IN[name].partition(":")
            found = getattr(importlib.import_module(module), attribute)
            self._built[name] = self._made_for[name](found) if name in self._made_for else found
        return self._built[name]

    def _imported(self, name: str) -> Tool | NotLoaded:
        """The function that an import string leads to, as a tool."""
        module_name, _, attribute = name.partition(":")
        try:
            if module_name not in self._modules:
                self._modules[module_name] = import_named(module_name, self._folder)
            found = getattr(self._modules[module_name], attribute, None)
            if inspect.isfunction(found):
                found = tool(found)
        except (ImportError, TypeError) as error:
            return NotLoaded(name, str(error))
        if isinstance(found, Tool):
            return replace(found, folder=self._folder)
        near = difflib.get_close_matches(attribute, vars(self._modules[module_name]), 1)
        return NotLoaded(name, f"{module_name} has no function {attribute}", f"did you mean {near[0]}?" if near else "")

    @cached_property
    def _beside(self) -> tuple[dict[str, Tool], list[str]]:
        """The tools of the files `tools/*.py`, by name, and what is wrong with those that could not be imported."""
        tools: dict[str, Tool] = {}
        broken: list[str] = []
        folder = self._folder and self._folder / "tools"
        for file in sorted(folder.glob("[!_]*.py")) if folder else ():
            try:
                module = import_file(file)
            except ImportError as error:
                broken.append(str(error))
                continue
            found = (each for each in vars(module).values() if isinstance(each, Tool))
            tools.update({each.name: replace(each, folder=folder) for each in found if each.name not in tools})
        return tools, broken
