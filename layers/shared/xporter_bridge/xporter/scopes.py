"""Evaluates the scopes that a school has granted against those of an endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

ANY_TOKEN = "*"  # noqa: S105 - Xporter's own notation, not a credential


def covers(granted: Iterable[str], expression: str) -> bool:
    """Tell whether the granted scopes satisfy an endpoint's scope expression.

    The grammar is that of Xporter's own catalogue: a comma means any of, ``&`` all of, ``*``
    any token (xporter-api.md 5.7). Names are compared without regard to case.
    """
    if expression.strip() == ANY_TOKEN:
        return True
    held = {scope.strip().casefold() for scope in granted}
    return any(
        all(part.strip().casefold() in held for part in alternative.split("&"))
        for alternative in expression.split(",")
    )


def named_in(expression: str) -> Iterator[str]:
    """Yield the scopes that an expression names."""
    yield from (name for name in re.split(r"[\s,&]+", expression) if name not in {"", ANY_TOKEN})


def among(names: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return which of the names are granted, in order."""
    held = {scope.strip().casefold() for scope in granted}
    return tuple(sorted(name for name in names if name.casefold() in held))
