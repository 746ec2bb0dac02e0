"""Each rule can fail: it finds what is bad and leaves what is good."""

import pytest

from tests.house import rules
from tests.house.rules import Rule, Source

LONG = "def f() -> None:\n" + "    pass\n" * 60
WIDE = "def f(self, a, b, c, d, e, f, g): ..."
MANY = "class A:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(21))

CASES: list[tuple[Rule, str, str]] = [
    (rules.long_file, "\n" * 401, "\n" * 400),
    (rules.long_function, LONG, LONG.replace("    pass\n", "", 1)),
    (rules.many_parameters, WIDE, WIDE.replace("self, a,", "self,")),
    (rules.many_parameters, "def f(*, a, b, c, d, e, f, g): ...", "def f(a, b, **words): ..."),
    (rules.many_methods, MANY, MANY.replace("def m0", "x: int; y = lambda self: 0 #")),
    (rules.no_docstring, "x = 1", '"""What it is."""'),
    (rules.left_over, "# -----\n", "# why\n"),
    (rules.left_over, "x = 1  # TO" + "DO later\n", "x = 1\n"),
    (rules.broad_except, "try: f()\nexcept Exception: pass", "try: f()\nexcept OSError: pass"),
    (rules.broad_except, "try: f()\nexcept: pass", "try: f()\nexcept:\n  g()\n  raise"),
    (
        rules.broad_except,
        "try: f()\nexcept (OSError, BaseException): raise X",
        "try: f()\nexcept (OSError, X): raise Y",
    ),
    (rules.own_time_or_chance, "import time", "from anima.clock import Clock"),
    (rules.own_time_or_chance, "from random import choice", "import datetime"),
    (rules.own_time_or_chance, "import datetime\nx = datetime.datetime.now()", "x = clock.now()"),
    (rules.own_time_or_chance, "import os\nx = os.urandom(3)", "import os\nx = os.getpid()"),
    (rules.module_state, "x = 1\ndef f():\n  global x\n  x = 2", "x = 1\ndef f():\n  x = 2"),
    (rules.module_state, "seen = []\ndef f(y): seen.append(y)", "def f(y):\n  seen = []\n  seen.append(y)"),
    (rules.module_state, "seen: dict = {}\ndef f(y): seen[y] = 1", "NAMES = {1: 2}\ndef f(y): return NAMES[y]"),
    (rules.module_state, "seen = set()\ndef f(y):\n  del seen[y]", "seen = frozenset()\ndef f(y): return y in seen"),
    (rules.module_state, "n = [0]\ndef f():\n  n[0] += 1", "n = [0]\ndef f(): return n[0] + 1"),
    (rules.hidden_import, "def f():\n  import os", "import os"),
    (rules.hidden_import, "class A:\n  async def f(self):\n    from os import path", "from os import path"),
    (rules.import_by_name, "importlib.import_module('x')", "import importlib"),
    (rules.import_by_name, "__import__('x')", "x.import_it()"),
    (rules.speaks_sql, "x = 'SELECT a FROM b'", "x = 'SELECTED'"),
    (rules.speaks_sql, "x = '''\n  UPDATE t SET a = ?'''", "x = 'UPDATE your settings'"),
    (rules.speaks_sql, "import sqlite3", "import sqlparse"),
    (rules.built_sql, "x = f'SELECT a FROM b WHERE c = {d}'", "x = 'SELECT a FROM b WHERE c = ?'"),
    (rules.built_sql, "x = 'DELETE FROM %s' % t", "x = 'hello %s' % t"),
    (rules.built_sql, "x = 'DELETE FROM {}'.format(t)", "x = '{}'.format(t)"),
    (rules.revives_objects, "import pickle", "import json"),
    (rules.revives_objects, "eval('1')", "model.eval()"),
    (rules.revives_objects, "yaml.load(x)", "yaml.safe_load(x)"),
    (rules.reaches_out, "import httpx2", "import http"),
    (rules.reaches_out, "from urllib.request import urlopen", "from urllib.parse import urlsplit"),
    (rules.poor_name, "class TurnManager: ...", "class Turn: ...\nclass Business: ..."),
    (rules.poor_name, "class StoreV2: ...", "class Older: ..."),
]


@pytest.mark.parametrize(("rule", "bad", "good"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_rule_finds_what_is_bad_and_only_that(rule: Rule, bad: str, good: str) -> None:
    assert list(rule(Source("src/anima/x.py", bad)))
    assert not list(rule(Source("src/anima/x.py", good)))


@pytest.mark.parametrize("name", ["utils", "memory_utils", "core", "store_v2", "new_store", "turn_helpers"])
def test_a_file_whose_name_says_nothing_is_found(name: str) -> None:
    assert list(rules.poor_name(Source(f"src/anima/{name}.py", "")))
    assert list(rules.poor_name(Source(f"src/anima/{name}/x.py", "")))


def test_only_the_file_that_is_allowed_is_left_out() -> None:
    sources = [Source(f"src/anima/{name}", "import time") for name in ("clock.py", "clock.pyx", "tools/clock.py")]
    found = rules.broken(rules.own_time_or_chance, sources, {"clock.py": "it is the clock"})
    assert [line.partition(":")[0] for line in found] == ["src/anima/clock.pyx", "src/anima/tools/clock.py"]


def test_an_allowance_needs_a_reason_and_a_need() -> None:
    sources = [Source("src/anima/clock.py", "import time"), Source("src/anima/x.py", "import json")]
    for allowed in ({"clock.py": ""}, {"x.py": "it is the clock"}, {"gone.py": "it is the clock"}):
        with pytest.raises(AssertionError):
            rules.broken(rules.own_time_or_chance, sources, allowed)


def test_the_rules_are_held_against_something() -> None:
    paths = {source.path for source in rules.package()}
    assert {"src/anima/clock.py", "src/anima/agent/turn.py"} <= paths
    assert {"README.md", "src/anima/clock.py"} <= {source.path for source in rules.committed()}
