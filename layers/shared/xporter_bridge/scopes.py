"""What a school has allowed, and which endpoints that covers."""

from __future__ import annotations

from collections.abc import Iterable

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


def parse(csv: str) -> tuple[str, ...]:
    """Return the scopes of a comma-separated list, in order and without repeats."""
    names = (name.strip() for name in csv.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
