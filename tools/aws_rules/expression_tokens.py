"""The words of DynamoDB's expressions, and those that it keeps for itself.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_TOKEN = re.compile(
    r"\s*(?:([#:][A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|\d+|<>|<=|>=|[=<>()\[\].,+-])|$)"
)


class ExpressionError(Exception):
    """DynamoDB would answer with a ValidationException."""


def tokens(text: str) -> Iterator[str]:
    """Yield the words and signs of an expression.

    Raises:
        ExpressionError: Something is neither.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ExpressionError(f"{text[at : at + 10]!r} cannot be read")
        if found[1]:
            yield found[1]
        at = found.end()


@cache
def reserved_words() -> frozenset[str]:
    """Return the words that an expression may name only through a placeholder, in capitals."""
    return frozenset((Path(__file__).parent / "reserved_words.txt").read_text().split())
