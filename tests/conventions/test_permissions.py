"""What every role may do is what is done in its name: no less, and nothing more."""

import ast
from typing import Any

import pytest

from tests.support import permissions, template
from tests.support.permission_findings import Statement, findings, statements, without
from tests.support.template import ROOT
from tests.support.translated_template import translated

STATEMENTS: dict[Statement, dict[str, Any]] = dict(statements(translated()))


def test_every_role_may_do_what_is_done_in_its_name_and_nothing_else() -> None:
    assert findings(translated()) == []


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: f"{each.role}-{each.number}")
def test_no_statement_of_any_role_can_be_taken_away(statement: Statement) -> None:
    found = findings(without(translated(), statement))
    assert found
    assert all(finding.startswith(f"{statement.role} may not ") for finding in found)


@pytest.mark.parametrize("function", template.functions())
def test_every_test_that_is_said_to_use_a_permission_is_there(function: str) -> None:
    for test in permissions.recorded()[function].values():
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name.partition("[")[0] in tests, test


def test_nothing_is_said_of_functions_that_are_not_there() -> None:
    assert set(permissions.recorded()) == set(template.functions())
