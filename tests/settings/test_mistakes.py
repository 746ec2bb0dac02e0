"""Every mistake in a file is one Problem: file, line, key, what was expected, the nearest right name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from anima.errors import Problem, SettingsError
from anima.settings import load

Mistakes = Callable[..., list[Problem]]

ONE_OF = "expected one of openai, anthropic, ollama, local, found 'opneai'"
CHANNEL = "expected one of telegram, discord, webhook, terminal, found 'telegrm'"
DURATION = 'expected a duration such as "30s", "5m", "1h" or "2d", or a number of seconds'

WRONG = [
    ("parallel = 'x'", 3, "agent.parallel", "expected a whole number, found text", ""),
    ("parallel = true", 3, "agent.parallel", "expected a whole number, found true or false", ""),
    ("parallel = 2.5", 3, "agent.parallel", "expected a whole number, found a decimal number", ""),
    ("parallel = 0", 3, "agent.parallel", "must be at least 1", ""),
    ("system_prompt = 3", 3, "agent.system_prompt", "expected text in quotes, found a whole number", ""),
    ("persona = 3", 3, "agent.persona", "expected a path in quotes, found a whole number", ""),
    ("persona = ''", 3, "agent.persona", "expected a path", ""),
    ("nmae = 'x'", 3, "agent.nmae", "unknown key", "did you mean name?"),
    ("[think]\nmax_iteration = 1", 4, "think.max_iteration", "unknown key", "did you mean max_iterations?"),
    ("[agnet]\nname = 'x'", 3, "agnet", "unknown table", "did you mean agent?"),
    ("[llm]\nmax_iterations = 1", 4, "llm.max_iterations", "unknown key", "did you mean max_iterations in [think]?"),
    ("[retry]\nexponential_base = 1e400", 4, "retry.exponential_base", "must be a finite number", ""),
    ("[limits]\ndollars = nan", 4, "limits.dollars", "must be a finite number", ""),
    ("[limits]\ntokens = 2020-01-01", 4, "limits.tokens", "expected a whole number, found a date or time", ""),
    ("[tools]\nenabled = 'shell'", 4, "tools.enabled", 'expected a list, as in ["a", "b"], found text', ""),
    ("[tools]\nenabled = [\n 'a',\n 3]", 6, "tools.enabled[1]", "expected text in quotes, found a whole number", ""),
    (
        "[tools]\nhttp_private = ['localhost']",
        4,
        "tools.http_private[0]",
        'expected host and port, as in "127.0.0.1:11434"',
        "",
    ),
    (
        "[memory]\nbackend = 'sqlit'",
        4,
        "memory.backend",
        "expected one of sqlite, in_memory, found 'sqlit'",
        "did you mean sqlite?",
    ),
    ("llm = 3", 3, "agent.llm", "unknown key", ""),
    ("[retry]\nevent_delays = ['1s', 'soon']", 4, "retry.event_delays[1]", DURATION, ""),
    (
        "[owner]\ntimezone = 'Mars/Base'",
        4,
        "owner.timezone",
        'expected the name of a time zone, as in "Europe/Lisbon"',
        "",
    ),
    ("[llm]\nprovider = 'opneai'\nmodel = 'x'", 4, "llm.provider", ONE_OF, "did you mean openai?"),
    ("[llm]\nprovider = 'openai'", 4, "llm.provider", "has no model beside it", ""),
    ("[llm]\nmodel = 'gpt-5'", 4, "llm.model", "has no provider beside it", ""),
    ("[llm]\nfallback = ['opneai/x']", 4, "llm.fallback[0].provider", ONE_OF, "did you mean openai?"),
    ("[llm]\nfallback = ['openai']", 4, "llm.fallback[0]", 'names no model; write "openai/MODEL"', ""),
    ("[llm]\nfallback = [3]", 4, "llm.fallback[0]", 'expected "provider/model" or a table', ""),
    (
        "[[llm.fallback]]\nprovider = 'local'\n[[llm.fallback]]\nprovider = 'local'\nmodle = 'x'",
        7,
        "llm.fallback[1].modle",
        "unknown key",
        "did you mean model?",
    ),
    ("[llm]\nbase_url = 'example.com'", 4, "llm.base_url", 'expected a URL such as "https://api.example.com/v1"', ""),
    ("[llm]\nprice = { input = -1, output = 1 }", 4, "llm.price.input", "must be at least 0", ""),
    ("[timer]\nevery = '0s'", 4, "timer.every", "must be at least 1", ""),
    ("[channels.telegrm]\n", 3, "channels.telegrm", CHANNEL, "did you mean telegram?"),
]


@pytest.mark.parametrize(("text", "line", "key", "message", "hint"), WRONG, ids=[row[2] for row in WRONG])
def test_a_mistake_is_named(mistakes: Mistakes, text: str, line: int, key: str, message: str, hint: str) -> None:
    (problem,) = mistakes(text)
    assert problem.file.endswith("config.toml")
    assert (problem.line, problem.key, problem.message) == (line, key, message)
    assert hint in problem.hint


BROKEN = [
    ("", 1, "agent", "is missing", 'write [agent] and below it name = "..."'),
    ("[agent]\n", 1, "agent.name", "is missing", "write name = ..."),
    ("agent = 3", 1, "agent", "expected a table, found a whole number", ""),
    ("[agent]\nname = x\n", 2, "", "is not TOML: invalid value", "text stands in quotes"),
    (
        "[agent]\nname: 'x'\n",
        2,
        "",
        "is not TOML: expected '=' after a key in a key/value pair",
        "TOML writes key = value",
    ),
    ("[agent]\nname = 'x", 2, "", 'is not TOML: expected "\'"', ""),
    ("[agent]\nname = 'x'\nname = 'y'\n[llm]\n", 3, "name", "this key is written twice", "keep one"),
    ("[agent]\nname = 'x'\n[llm]\n[agent]\n", 4, "agent", "this table is written twice", "merge the two"),
    ("x = " + "[" * 5000, None, "", "is nested too deep or holds a number too long", ""),
    ("x = " + "1" * 5000, None, "", "is nested too deep or holds a number too long", ""),
]


@pytest.mark.parametrize(("text", "line", "key", "message", "hint"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_one_problem(
    mistakes: Mistakes, text: str, line: int | None, key: str, message: str, hint: str
) -> None:
    (problem,) = mistakes(text, alone=True)
    assert (problem.line, problem.key, problem.message) == (line, key, message)
    assert hint in problem.hint


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", ".", "-x", "é", "x" * 65, "a\\u0000"])
def test_a_name_that_would_not_do_as_a_folder_is_refused(mistakes: Mistakes, name: str) -> None:
    (problem,) = mistakes(f'[agent]\nname = "{name}"\n', alone=True)
    assert (problem.line, problem.key) == (2, "agent.name")
    assert "64 at most" in problem.message


def test_several_mistakes_of_both_files_are_told_together_in_order(mistakes: Mistakes) -> None:
    problems = mistakes(
        "parallel = 0\n[think]\nhistory = 3\n[tool]\n", home="[defaults.thinking]\n[owner]\nnam = 'x'\n"
    )
    assert [(Path(each.file).name, each.line) for each in problems] == [
        ("config.toml", 3),
        ("config.toml", 5),
        ("config.toml", 6),
        ("anima.toml", 1),
        ("anima.toml", 3),
    ]


def test_persona_and_system_prompt_exclude_each_other(mistakes: Mistakes) -> None:
    (problem,) = mistakes("persona = 'x.md'\nsystem_prompt = 'x'\n")
    assert (problem.line, problem.key) == (3, "agent.persona")


def test_a_persona_that_is_not_there_is_told_where_it_was_named(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "persona.txt").write_text("x")
    (problem,) = mistakes("persona = 'persona.tx'\n")
    assert (problem.line, problem.key) == (3, "agent.persona")
    assert "persona.tx: there is no such file" in problem.message
    assert "persona.txt" in problem.hint


def problem_of(path: Path) -> Problem:
    with pytest.raises(SettingsError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert caught.value.exit_status == 2
    return problem


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    problem = problem_of(tmp_path / "confg.toml")
    assert problem.message == "there is no such file"
    assert problem.hint == f"did you mean {tmp_path}/config.toml?"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text("")
    problem = problem_of(tmp_path)
    assert problem.message == "is a folder, not a file"
    assert problem.hint == f"did you mean {tmp_path}/agent.toml?"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.touch(mode=0o000)
    assert problem_of(path).message == "cannot be read: Permission denied"


def test_a_file_below_a_file_says_what_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    assert problem_of(tmp_path / "config.toml" / "agent.toml").message == "cannot be read: Not a directory"


def test_a_file_that_is_not_text_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"[agent]\nname = '\xff'\n")
    problem = problem_of(path)
    assert (problem.line, problem.message) == (2, "is not UTF-8 text")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("#" * 1_000_001)
    assert "larger than" in problem_of(path).message


def test_a_name_that_is_no_path_is_refused() -> None:
    assert problem_of(Path("a\0b")).message == "is not a path"
