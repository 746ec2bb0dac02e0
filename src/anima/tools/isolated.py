"""The other side of `@tool(isolate=True)`: a process that runs one call and ends.

It reads one line of JSON and answers in lines of JSON: any number of `["progress", text]`, then `["done", text]`,
`["refused", message, hint]` or `["failed", text]`. What the tool prints goes to the standard error instead.
"""

import asyncio
import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from anima.errors import ToolError
from anima.tools.text import as_text, shorten
from anima.tools.tool import Tool, tool
from anima.vocabulary import Call


def main() -> None:
    order = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path[:] = order["path"]
    try:
        _say(answers, "done", shorten(as_text(_run(order, answers)), order["output_cap"]))
    except ToolError as error:
        _say(answers, "refused", error.message, error.hint)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is told to the runtime
        traceback.print_exc()
        _say(answers, "failed", f"{type(error).__name__}: {error}")


def _run(order: Mapping[str, Any], answers: TextIO) -> Any:
    run = _find(order)
    arguments = run.arguments.check(order["arguments"])
    if run.arguments.call:
        paths = {name: Path(order["call"][name]) for name in ("workspace", "scratch")}
        call = {**order["call"], **paths, "progress": lambda text: _say(answers, "progress", text)}
        arguments[run.arguments.call] = Call(arguments=order["arguments"], **call)
    result = run.function(**arguments)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _find(order: Mapping[str, Any]) -> Tool:
    found: Any = _module(order["module"], order["file"])
    for name in order["function"].split("."):
        found = getattr(found, name)
    return found if isinstance(found, Tool) else tool(found)


def _module(name: str, file: str) -> ModuleType:
    """By its name where that leads to the same file; else, as for a script, by the file."""
    try:
        spec = None if name == "__main__" else importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    if spec is not None and spec.origin == file:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location("anima_isolated_tool", file)
    if spec is None or spec.loader is None:
        raise ToolError(f"the tool cannot be imported from {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _say(answers: TextIO, *news: str) -> None:
    answers.write(json.dumps(news) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
