"""Field names without regard to case: Xporter has changed the casing of names before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fold_keys(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping with all names in lower case (``str.casefold``)."""
    return {str(name).casefold(): value for name, value in mapping.items()}
