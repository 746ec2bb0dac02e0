"""Nothing grows beyond what one can take in."""

import pytest

from tests.house import rules
from tests.house.rules import Rule, broken, committed, package


def test_no_file_is_too_long() -> None:
    assert broken(rules.long_file, committed(".py")) == []


@pytest.mark.parametrize("rule", [rules.long_function, rules.many_parameters])
def test_no_function_is_too_large(rule: Rule) -> None:
    assert broken(rule, package()) == []


def test_no_class_is_too_large() -> None:
    allowed = {"store/store.py": "one method for each use case, and nothing else"}
    assert broken(rules.many_methods, package(), allowed) == []


@pytest.mark.parametrize("rule", [rules.no_docstring, rules.left_over])
def test_every_module_says_what_it_is_and_leaves_nothing_over(rule: Rule) -> None:
    assert broken(rule, package()) == []
