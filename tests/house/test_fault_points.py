"""Every durable write of the store stands between two named points, and each point says what must hold there."""

import ast
from collections.abc import Iterator

import pytest

from anima import faults
from tests.house.rules import Source, broken, package

SEALS = ("os.replace", "os.rename", "os.link", ".rename")


def handed_over(source: Source) -> Iterator[str]:
    """The names of the units that a module hands to the engine's `write`, at once or by way of `_keep`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("self._engine.write", "self._keep"):
            yield ast.unparse(node.args[0]).rpartition(".")[2]


def bare_write(source: Source) -> Iterator[str]:
    """A commit, or a file put in its place, without a point before and after it in the same function."""
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name == "_look":
            continue  # `_look` ends a transaction that only reads
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        points = [node.lineno for node in calls if ast.unparse(node.func) == "faults.reach"]
        for line in [node.lineno for node in calls if _seals(node)]:
            if not (any(point < line for point in points) and any(point > line for point in points)):
                yield f"{source.path}:{line} {function.name} writes without a point before and after"


def _seals(node: ast.Call) -> bool:
    commits = any(isinstance(each, ast.Constant) and each.value == "COMMIT" for each in node.args)
    return commits or ast.unparse(node.func).endswith(SEALS)


def passed(source: Source) -> Iterator[str]:
    """Points written out as one word."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "faults.reach" and len(node.args) == 1:
            yield str(ast.literal_eval(node.args[0]))


def the_store() -> list[Source]:
    return [source for source in package() if "/store/" in source.path]


def test_every_unit_of_the_store_is_a_point_before_and_after_its_commit() -> None:
    units = {name for source in the_store() for name in handed_over(source)} - {"unit"}
    assert units == set(faults.UNITS), "name every unit in faults.UNITS"


def test_every_durable_write_has_a_point_before_and_after_it() -> None:
    assert broken(bare_write, the_store()) == []


def test_every_point_is_passed_somewhere_and_says_what_must_hold() -> None:
    listed = {name for name in faults.POINTS if name.partition(".")[0] not in faults.UNITS}
    assert {name for source in package() for name in passed(source)} == listed
    assert all(faults.POINTS.values())


@pytest.mark.parametrize(
    "body",
    [
        'db.execute("COMMIT")',
        'faults.reach("a"); db.execute("COMMIT")',
        'draft.rename(path)\n  faults.reach("a")',
        "os.replace(draft, path)",
    ],
)
def test_a_bare_write_is_found(body: str) -> None:
    assert list(bare_write(Source("x.py", f"def keep():\n  {body}\n")))


def test_an_unknown_point_cannot_be_armed() -> None:
    with pytest.raises(ValueError, match="no fault point"):
        faults.arm("turn.reopened:1")


def test_an_unarmed_point_does_nothing() -> None:
    assert faults.left() == {}
    faults.reach("turn.closed")
