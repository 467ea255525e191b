"""The page of surviving mutants is complete, and the modules that it measures exist."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.support.mutate_decisions import (
    DECISIONS,
    GOAL_PERCENT,
    MORE_TESTS,
    PACKAGE,
    PAGE,
    REASONS,
    ROOT,
    Measured,
    Survivor,
    assigned_decorators,
    page,
)

MODULES = [module for group in DECISIONS.values() for module in group]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_changed_exists_and_so_do_its_tests(module: str) -> None:
    assert (PACKAGE / f"{module}.py").is_file()
    folder = ROOT / "tests/unit" / module.partition("/")[0]
    for tests in (folder, *(ROOT / each for each in MORE_TESTS.get(module, ()))):
        assert tests.exists()


def test_the_page_has_every_module_and_says_why_each_survivor_is_left() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| \w+ \| `([a-z_/]+)` \|", text, re.MULTILINE) == MODULES
    assert "not looked at" not in text
    total = re.search(r"^(\d+) of (\d+) mutants are killed", text, re.MULTILINE)
    assert total
    assert int(total[1]) * 100 >= int(total[2]) * GOAL_PERCENT


def test_the_numbers_of_the_page_add_up() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \w+ \| `([a-z_/]+)` \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    listed = re.findall(r"^\| `([a-z_/]+)` \|", text, re.MULTILINE)
    for module, mutants, killed in rows:
        assert listed.count(module) == int(mutants) - int(killed)


def test_a_reason_says_which_survivors_it_is_for() -> None:
    for each in tomllib.loads(REASONS.read_text(encoding="utf-8"))["mutant"]:
        assert each.keys() <= {"module", "function", "before", "after", "reason"}
        assert each.keys() & {"before", "after"}
        assert each.get("module", MODULES[0]) in MODULES
        assert each["reason"]


def test_a_survivor_that_nobody_has_looked_at_is_shown_as_such() -> None:
    found = [Survivor("f", "return a < b", "return a <= b | c"), Survivor("f", "x", "")]
    measured = Measured("abc1234", "2026-11-27", 8, found)
    text = page(dict.fromkeys(MODULES, measured))
    assert text.count("**not looked at**") == 2 * len(MODULES)
    assert "`return a <= b \\| c`" in text
    assert "| 10 | 8 | 80.0 % | 2026-11-27 | abc1234 |" in text


DECORATED = '''
from functools import cache

class Place:
    """One place."""

    @property
    def size(self):
        """How large it is."""
        return 3

    @staticmethod
    def plain():
        return 4

@cache
def once(value):
    return [value]
'''


def test_a_decorator_that_is_assigned_has_the_same_effect() -> None:
    names: dict[str, Any] = {}
    changed = assigned_decorators(DECORATED)
    exec(changed, names)
    assert "@property" not in changed
    assert "@cache" not in changed
    assert "@staticmethod" in changed
    assert (names["Place"]().size, names["Place"].plain()) == (3, 4)
    assert names["once"](1) is names["once"](1)
