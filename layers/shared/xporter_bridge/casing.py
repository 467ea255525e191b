"""Names and values of fields, in whatever form they come.

Names are read without regard to case, as Xporter has changed the casing of names before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fold_keys(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping with all names in lower case (``str.casefold``)."""
    return {str(name).casefold(): value for name, value in mapping.items()}


def spelled(value: object) -> str:
    """Return ``str(value)`` of a value that should be plain, and may be any document.

    JSON may be nested more deeply than Python can write what it has read.
    """
    try:
        return str(value)
    except RecursionError:
        return "(nested too deeply)"
