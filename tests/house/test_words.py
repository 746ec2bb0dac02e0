"""Names say what things are; what is public is documented; nothing committed knows one machine."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

import anima
from tests.house import rules
from tests.house.rules import PACKAGE, ROOT, Source, broken, committed, package

COUNT = re.compile(
    r"\b\d[\d,]* (?:unit |passing )?(?:tests|files|modules|tools|commands|classes|functions|providers)\b"
)
REGISTRY = re.compile(r"(?:pypi|pythonhosted|npmjs|crates|rubygems|anaconda)" + r"\.(?:org|com|io)\b", re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.~$}/-])/(?:" + "work|root|Users|home|tmp" + r")/\w")
ALL = [f"anima.{path.parent.name}" for path in sorted(PACKAGE.glob("*/__init__.py"))]


def counts(source: Source) -> Iterator[str]:
    yield from (f"{source.path}: {found}" for found in COUNT.findall(source.text))


def one_machine(source: Source) -> Iterator[str]:
    for n, line in enumerate(source.text.splitlines(), 1):
        for found in (*REGISTRY.findall(line), *MACHINE.findall(line)):
            yield f"{source.path}:{n} names {found}"


def test_names_say_what_things_are() -> None:
    allowed = {"store/sqlite.py": "the store is written once, with an engine behind it that can be another"}
    assert broken(rules.poor_name, package(), allowed) == []


def test_documents_name_no_counts_that_drift() -> None:
    documents = [source for source in committed(".md") if source.path == "README.md" or source.path.startswith("docs/")]
    assert documents
    assert broken(counts, documents) == []


def test_nothing_committed_knows_one_machine_or_one_index() -> None:
    assert broken(one_machine, committed()) == []


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (counts, "It has 1,234 tests.", "It has tests."),
        (one_machine, "see pypi" + ".org", "see your index"),
        (one_machine, "open '/" + "work/x'", "open 'docs/" + "work/x'"),
        (one_machine, "open /" + "tmp/x", "open ~/" + "tmp/x"),
    ],
)
def test_these_rules_can_fail(rule: rules.Rule, bad: str, good: str) -> None:
    assert list(rule(Source("x.md", bad)))
    assert not list(rule(Source("x.md", good)))


def test_there_are_few_public_names_and_each_is_there_and_documented() -> None:
    assert 0 < len(anima.__all__) <= 20
    assert set(anima.__all__) <= set(vars(anima)["_HOMES"])
    assert [name for name in anima.__all__ if not inspect.getdoc(getattr(anima, name))] == []


@pytest.mark.parametrize("room", ["anima.testing", *ALL])
def test_what_a_room_offers_is_documented(room: str) -> None:
    module = importlib.import_module(room)
    offered = [getattr(module, name) for name in getattr(module, "__all__", ())]
    assert [f"{each.__module__}.{each.__name__}" for each in offered if undocumented(each)] == []


def undocumented(each: object) -> bool:
    """Whether a class or function has no docstring in its source: dataclasses invent one."""
    if not (inspect.isclass(each) or inspect.isfunction(each)) or not each.__module__.startswith("anima"):
        return False
    tree = ast.parse(inspect.getsource(importlib.import_module(each.__module__)))
    found = [
        node for node in tree.body if isinstance(node, ast.ClassDef | rules.Function) and node.name == each.__name__
    ]
    return not any(ast.get_docstring(node) for node in found)


def test_an_invented_docstring_does_not_count() -> None:
    assert undocumented(anima.TurnFailed) is False
    assert undocumented(type("Bare", (), {"__module__": "anima.errors"})) is True


def test_there_is_a_changelog_with_a_place_for_the_next_change() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def unpinned(lock: str) -> list[str]:
    """Requirements without a hash, and lines that name a place."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    return [
        entry.split()[0] for entry in entries if "--hash=sha256:" not in entry or "://" in entry or "index" in entry
    ]


def test_every_requirement_is_pinned_by_hash_and_names_no_place() -> None:
    assert unpinned((ROOT / "requirements.lock").read_text()) == []


@pytest.mark.parametrize("bad", ["a==1\n", "a==1 --hash=sha256:0\nb==2\n", "a @ https://x/a --hash=sha256:0\n"])
def test_a_lock_that_is_none_is_found(bad: str) -> None:
    assert unpinned(bad)
