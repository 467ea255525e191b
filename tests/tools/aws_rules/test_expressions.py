"""Expressions are read as DynamoDB reads them."""

import pytest

from tests.support.dynamodb_expressions import (
    CONDITIONS,
    REFUSED_CONDITIONS,
    REFUSED_UPDATES,
    UPDATES,
)
from tools.aws_rules.expression_tokens import ExpressionError, reserved_words
from tools.aws_rules.expressions import (
    MAX_EXPRESSION_BYTES,
    MAX_OPERATORS,
    parse_condition,
    parse_projection,
    parse_update,
)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_is_read(text: str) -> None:
    parse_condition(text)


@pytest.mark.parametrize("text", REFUSED_CONDITIONS)
def test_a_condition_that_dynamodb_refuses_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


@pytest.mark.parametrize("text", UPDATES)
def test_an_update_is_read(text: str) -> None:
    parse_update(text)


@pytest.mark.parametrize("text", REFUSED_UPDATES)
def test_an_update_that_dynamodb_refuses_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_update(text)


def test_a_projection_is_a_list_of_paths() -> None:
    assert parse_projection("a, #b.c[1]").names == {"#b"}
    for text in ("", "a b", "a, :b", "name"):
        with pytest.raises(ExpressionError):
            parse_projection(text)


def test_an_expression_has_its_limits() -> None:
    parse_condition(" OR ".join(["a = :a"] * 150))
    with pytest.raises(ExpressionError, match=str(MAX_OPERATORS)):
        parse_condition(" OR ".join(["a = :a"] * 151))
    with pytest.raises(ExpressionError, match=str(MAX_EXPRESSION_BYTES)):
        parse_condition(f"{'a' * MAX_EXPRESSION_BYTES} = :a")


def test_the_reserved_words_are_all_of_dynamodbs() -> None:
    """As many as the page lists, and those that the tables' own attributes come near."""
    assert len(reserved_words()) == 573
    assert {"STATE", "HOLD", "NUMBER", "COLUMNS", "DEFINITION", "SEQUENCE"} <= reserved_words()
    assert not {"FENCE", "ESTAB", "DATASET", "WATCH_AT"} & reserved_words()
