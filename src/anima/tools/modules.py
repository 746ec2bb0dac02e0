"""Imports a user's modules from a folder, and leaves the interpreter's search path and module table as they were.

So two settings files may each have a `my_tools.py` beside them, and a file may be called `calendar.py`. What such a
module imports from its own folder it imports at its top, not later in a function. This module knows nothing of tools.
"""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType


def import_named(name: str, folder: Path | None) -> ModuleType:
    """A module by its name, looked for in a folder first. Raises ImportError that says what went wrong in it."""
    path = [str(folder), *sys.path] if folder else sys.path.copy()
    with _explained(name, folder), _looking_in(folder, path, {name.partition(".")[0]}):
        return importlib.import_module(name)


def import_file(file: Path) -> ModuleType:
    """A module by its file, whatever its name. Raises ImportError that says what went wrong in it."""
    name = f"anima_tools_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    with _explained(str(file), None), _looking_in(file.parent, [*sys.path, str(file.parent)], set()):
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        finally:
            del sys.modules[name]
    return module


@contextlib.contextmanager
def _explained(name: str, folder: Path | None) -> Generator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            place = f"in {folder} or " if folder else ""
            raise ImportError(f"there is no module {name} {place}among the installed ones") from error
        raise ImportError(f"{name} could not be imported: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _looking_in(folder: Path | None, path: list[str], wanted: set[str]) -> Generator[None]:
    """Use another search path for a while; modules called as in `wanted` come from the folder, if they are there."""
    before_path, before = sys.path.copy(), sys.modules.copy()
    for top in wanted:
        if _holds(folder, top):
            _take_out(top)
    sys.path[:] = path
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before_path
        for top in {name.partition(".")[0] for name in sys.modules.keys() - before.keys()} | wanted:
            if _holds(folder, top):
                _take_out(top)
                sys.modules.update({name: before[name] for name in before if name.partition(".")[0] == top})


def _holds(folder: Path | None, top: str) -> bool:
    """Whether modules of this name come from the folder; those of Python and of this package never do."""
    if folder is None or top in sys.stdlib_module_names or top == __name__.partition(".")[0]:
        return False
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()


def _take_out(top: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]
