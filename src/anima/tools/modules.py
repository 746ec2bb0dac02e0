"""Imports a user's modules from a folder, and leaves the interpreter's search path and module table as they were.

So two settings files may each have a `my_tools.py` beside them. What such a module imports from its own folder it
imports at its top, not later in a function. This module knows nothing of tools.
"""

import contextlib
import importlib
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType


def import_from(folder: Path | None, name: str) -> ModuleType:
    """A module by its name, looked for in a folder first. Raises ImportError with what went wrong in it."""
    try:
        with _looking_in(folder, name.partition(".")[0]):
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            place = f"in {folder} or " if folder else ""
            raise ImportError(f"there is no module {name} {place}among the installed ones") from error
        raise ImportError(f"{name} could not be imported: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _looking_in(folder: Path | None, wanted: str) -> Generator[None]:
    if folder is None:
        yield
        return
    path, modules = sys.path.copy(), sys.modules.copy()
    if _holds(folder, wanted):
        _take_out(wanted)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for top in {name.partition(".")[0] for name in sys.modules.keys() - modules.keys()} | {wanted}:
            if _holds(folder, top):
                _take_out(top)
                sys.modules.update({name: modules[name] for name in modules if name.partition(".")[0] == top})


def _holds(folder: Path, top: str) -> bool:
    """Whether a module of this name comes from the folder; names of Python's own and of this package never do."""
    if top in sys.stdlib_module_names or top == __name__.partition(".")[0]:
        return False
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()


def _take_out(top: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]
