"""Tools by name: built in, beside the settings file, installed; and names that lead nowhere."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from anima.clock import SystemClock
from anima.sandbox.net import Reach
from anima.tools.catalog import ALIASES, BUILT_IN, NOT_ACTIVE_YET, Loaded, NotLoaded, load
from anima.tools.toolbox import Toolbox
from anima.vocabulary import Call


def find(*names: str, folder: Path | None = None) -> Loaded:
    return load(names, folder, Reach(), SystemClock())


def only_problem(*names: str, folder: Path | None = None) -> NotLoaded:
    loaded = find(*names, folder=folder)
    assert loaded.tools == ()
    (problem,) = loaded.problems
    return problem


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


@pytest.fixture(autouse=True)
def interpreter_as_it_was(tmp_path: Path) -> Iterator[None]:
    """Whatever is loaded, the search path stays, and no module of a user's folder remains."""
    path = sys.path.copy()
    yield
    assert sys.path == path
    files = [str(getattr(module, "__file__", "")) for module in sys.modules.values()]
    assert [file for file in files if file.startswith(str(tmp_path))] == []


WEATHER = '''
    from anima.tools.tool import tool
    from places import HERE

    @tool(effect="read")
    def weather(city: str) -> str:
        """Today's weather."""
        return f"{city} {HERE}"

    def plain(n: int) -> int:
        return n

    NUMBER = 5
'''


async def run(loaded: Loaded, name: str, **arguments: object) -> str:
    call = Call(name, arguments, "arya", "c", Path(), "k")
    return (await Toolbox(loaded.tools).run(call)).text


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_tool_has_the_name_it_is_found_by(name: str) -> None:
    (tool,) = find(name).tools
    assert tool.name == name


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_names_of_the_earlier_runtime_lead_to_the_same_tools(alias: str, name: str) -> None:
    assert find(alias).tools[0].name == name
    assert len(find(alias, name, alias).tools) == 1


def test_a_tool_that_is_not_built_yet_is_no_problem() -> None:
    loaded = find("echo", *sorted(NOT_ACTIVE_YET))
    assert [tool.name for tool in loaded.tools] == ["echo"]
    assert loaded.inactive == tuple(sorted(NOT_ACTIVE_YET))
    assert loaded.problems == ()


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    assert only_problem("reed_file") == NotLoaded("reed_file", "there is no tool reed_file", "did you mean read_file?")
    assert only_problem("zzz").hint == "`anima tool list` shows what there is"


def test_all_problems_are_told_together(tmp_path: Path) -> None:
    loaded = find("echo", "ech", "shel", "no_module:x", folder=tmp_path)
    assert [problem.name for problem in loaded.problems] == ["ech", "shel", "no_module:x"]
    assert [tool.name for tool in loaded.tools] == ["echo"]


async def test_an_import_string_leads_to_a_module_beside_the_settings(tmp_path: Path) -> None:
    write(tmp_path / "my_tools.py", WEATHER)
    write(tmp_path / "places.py", "HERE = 'north'")
    loaded = find("my_tools:weather", "my_tools:plain", folder=tmp_path)
    assert await run(loaded, "weather", city="Lyon") == "Lyon north"
    assert await run(loaded, "plain", n=1) == "1"
    assert loaded.tools[1].effect == "once"


async def test_two_settings_files_may_have_modules_of_the_same_name(tmp_path: Path) -> None:
    for place in ("north", "south"):
        write(tmp_path / place / "my_tools.py", WEATHER)
        write(tmp_path / place / "places.py", f"HERE = '{place}'")
    both = [find("my_tools:weather", folder=tmp_path / place) for place in ("north", "south")]
    assert [await run(loaded, "weather", city="x") for loaded in both] == ["x north", "x south"]


async def test_a_package_beside_the_settings_may_import_its_own_parts(tmp_path: Path) -> None:
    write(tmp_path / "kit" / "__init__.py", "")
    write(tmp_path / "kit" / "parts.py", "def twice(n: int) -> int:\n    return 2 * n\n")
    write(tmp_path / "kit" / "tools.py", "from .parts import twice\n")
    assert await run(find("kit.tools:twice", folder=tmp_path), "twice", n=2) == "4"


async def test_an_isolated_tool_beside_the_settings_runs_in_its_own_process(tmp_path: Path) -> None:
    write(tmp_path / "my_tools.py", WEATHER.replace('effect="read"', "isolate=True"))
    write(tmp_path / "places.py", "HERE = 'aside'")
    write(tmp_path / "tools" / "json.py", WEATHER.replace('effect="read"', 'isolate=True, name="other"'))
    write(tmp_path / "tools" / "places.py", "HERE = 'in tools'")
    loaded = find("my_tools:weather", "other", folder=tmp_path)
    assert await run(loaded, "weather", city="x") == "x aside"
    assert await run(loaded, "other", city="x") == "x in tools"


def test_an_installed_module_is_found_too() -> None:
    assert find("anima.tools.basics:add").tools[0].name == "add"


def test_a_module_beside_the_settings_does_not_hide_one_of_pythons(tmp_path: Path) -> None:
    write(tmp_path / "json.py", "raise RuntimeError('hidden')")
    write(tmp_path / "my_tools.py", "import json\ndef f() -> str:\n    return json.dumps(1)\n")
    assert find("my_tools:f", folder=tmp_path).problems == ()


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("missing:f", "there is no module missing in", ""),
        ("kit.missing:f", "there is no module kit.missing in", ""),
        ("broken:f", "broken could not be imported: ZeroDivisionError: division by zero", ""),
        ("ended:f", "ended could not be imported: SystemExit: 3", ""),
        ("needy:f", "needy could not be imported: ModuleNotFoundError: No module named 'no_such_library'", ""),
        ("syntax:f", "syntax could not be imported: SyntaxError", ""),
        ("good:wether", "good has no function wether", "did you mean weather?"),
        ("good:NUMBER", "good has no function NUMBER", "did you mean NUMBER?"),
        ("good:", "good has no function ", ""),
        (":f", "could not be imported", ""),
        ("..good:f", "could not be imported", ""),
        ("good:untyped", "tool untyped: the parameter a needs a type", ""),
    ],
)
def test_an_import_string_that_leads_nowhere_says_why(tmp_path: Path, name: str, message: str, hint: str) -> None:
    write(tmp_path / "kit" / "__init__.py", "")
    write(tmp_path / "broken.py", "1 / 0")
    write(tmp_path / "ended.py", "raise SystemExit(3)")
    write(tmp_path / "needy.py", "import no_such_library")
    write(tmp_path / "syntax.py", "def f(:")
    write(tmp_path / "places.py", "HERE = ''")
    write(tmp_path / "good.py", WEATHER + "    def untyped(a): ...\n")
    problem = only_problem(name, folder=tmp_path)
    assert message in problem.message
    assert problem.hint == hint


async def test_a_tool_of_the_tools_folder_is_found_by_its_name(tmp_path: Path) -> None:
    write(tmp_path / "tools" / "forecast.py", WEATHER)
    write(tmp_path / "tools" / "places.py", "HERE = 'here'")
    write(tmp_path / "tools" / "_draft.py", "1 / 0")
    assert await run(find("weather", folder=tmp_path), "weather", city="x") == "x here"
    assert only_problem("wether", folder=tmp_path).hint == "did you mean weather?"
    assert only_problem("plain", folder=tmp_path).message == "there is no tool plain"


def test_a_broken_file_of_the_tools_folder_is_told_when_a_name_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "tools" / "bad.py", "1 / 0")
    write(tmp_path / "tools" / "good.py", WEATHER)
    write(tmp_path / "tools" / "places.py", "HERE = 'here'")
    assert find("weather", folder=tmp_path).problems == ()
    assert "bad.py could not be imported: ZeroDivisionError" in only_problem("other", folder=tmp_path).message


def test_a_built_in_tool_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    write(tmp_path / "tools" / "mine.py", WEATHER.replace('effect="read"', 'name="shell"'))
    write(tmp_path / "tools" / "places.py", "HERE = 'here'")
    assert find("shell", folder=tmp_path).tools[0].sends


def test_two_tools_with_one_name_are_told(tmp_path: Path) -> None:
    write(tmp_path / "my_tools.py", "def echo(text: str) -> str:\n    return text\n")
    (problem,) = find("echo", "my_tools:echo", folder=tmp_path).problems
    assert problem.message == "another tool is called echo too"
