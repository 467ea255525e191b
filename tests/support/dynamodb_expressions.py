"""DynamoDB's expressions, those that it reads and those that it refuses.

Both are what AWS's own DynamoDB Local makes of them (``integration/test_aws_contracts.py``).
"""

from typing import Any

# What stands behind a placeholder; behind any other, a number.
VALUES: dict[str, dict[str, Any]] = {
    ":text": {"S": "x"},
    ":type": {"S": "S"},
    ":set": {"SS": ["x"]},
    ":list": {"L": []},
}

CONDITIONS = [
    "a = :a",
    "a=:a and not(b<>:b)",
    "(a = :a OR b = :b) AND attribute_exists(c)",
    "a BETWEEN :a AND :b AND c IN (:c, :d)",
    "begins_with(a, :text) OR contains(a.b[3].#c, :c) OR attribute_type(a, :type)",
    "size(a) > :n",
    ":a = a",
    "NOT NOT a = :a",
    "watch_at <= :now",
]

REFUSED_CONDITIONS = [
    "", "a", "a =", "a = = :a", "a == :a", "a = 'text'", "a = 1", "AND", "a = :a AND",
    "(a = :a", "a = :a)", "((a = :a))", "((a = :a) AND b = :b", "attribute_exists(:a)",
    "attribute_exists(a, b)", "exists(a)", "Attribute_Exists(a)", "begins_with(a)", "a IN :a",
    "a IN ()", "a BETWEEN :a", "a = a", "_a = :a", "a-b = :a", "state = :s", "a.state = :s",
    "size = :s", "SIZE(a) = :s", "a[b] = :a", "a[:b] = :a", "a = :a b = :b",
]  # fmt: skip

UPDATES = [
    "SET a = :a",
    "set a = :a, b = b + :one remove c add d :d delete e :set",
    "SET a = if_not_exists(a, :a), b[0] = list_append(b, :list), #c = :c - d",
]

REFUSED_UPDATES = [
    "", "a = :a", "SET", "SET a", "SET a :a", "SET a = :a,", "SET a = :a SET b = :b",
    "SET a = :a + :b + :c", "SET a = size(b)", "REMOVE :a", "ADD a = :a", "ADD a b",
    "DELETE a", "SET a = :a PUT b = :b", "SET status = :a",
]  # fmt: skip

# AWS's list of reserved words has it, its DynamoDB Local does not mind it.
TAKEN_BY_DYNAMODB_LOCAL = {"size = :s"}
