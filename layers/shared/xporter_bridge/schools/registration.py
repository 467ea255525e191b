"""A webhook that is registered at Xporter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Registration:
    """A webhook that Xporter holds for one of the school's databases."""

    database: str
    url_fingerprint: str
    key_id: str
    registered_at: str
