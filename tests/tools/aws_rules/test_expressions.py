"""Expressions are read as DynamoDB reads them."""

import pytest

from tools.aws_rules.expression_tokens import ExpressionError, reserved_words
from tools.aws_rules.expressions import (
    MAX_EXPRESSION_BYTES,
    MAX_OPERATORS,
    parse_condition,
    parse_projection,
    parse_update,
)


@pytest.mark.parametrize(
    "text",
    [
        "a = :a",
        "a=:a and not(b<>:b)",
        "(a = :a OR b = :b) AND attribute_exists(c)",
        "a BETWEEN :a AND :b AND c IN (:c, :d)",
        "begins_with(a, :a) OR contains(a.b[3].#c, :c) OR attribute_type(a, :t)",
        "size(a) > :n",
        ":a = a",
        "NOT NOT a = :a",
        "watch_at <= :now",
    ],
)
def test_a_condition_is_read(text: str) -> None:
    parse_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a =", "a = = :a", "a == :a", "a = 'text'", "a = 1", "AND", "a = :a AND",
        "(a = :a", "a = :a)", "((a = :a))", "((a = :a) AND b = :b", "attribute_exists(:a)",
        "attribute_exists(a, b)", "exists(a)", "Attribute_Exists(a)", "begins_with(a)", "a IN :a",
        "a IN ()", "a BETWEEN :a", "a = a", "_a = :a", "a-b = :a", "state = :s", "a.state = :s",
        "size = :s", "SIZE(a) = :s", "a[b] = :a", "a[:b] = :a", "a = :a b = :b",
    ],
)  # fmt: skip
def test_a_condition_that_dynamodb_refuses_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "SET a = :a",
        "set a = :a, b = b + :one remove c add d :d delete e :e",
        "SET a = if_not_exists(a, :a), b[0] = list_append(b, :b), #c = :c - d",
    ],
)
def test_an_update_is_read(text: str) -> None:
    parse_update(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a = :a", "SET", "SET a", "SET a :a", "SET a = :a,", "SET a = :a SET b = :b",
        "SET a = :a + :b + :c", "SET a = size(b)", "REMOVE :a", "ADD a = :a", "ADD a b",
        "DELETE a", "SET a = :a PUT b = :b", "SET status = :a",
    ],
)  # fmt: skip
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
