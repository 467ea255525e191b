"""How bad the trouble of a school is, and since when: the order of troubled schools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.timestamps import iso, parse_or_none

_HIGHEST_RANK = 99
# Sorts behind every time: trouble of which nobody knows when it began.
_UNKNOWN = "9999"


@dataclass(frozen=True)
class Trouble:
    """Something that needs a person: the ``rank`` of its attention (schools/attention.py)."""

    rank: int
    since: datetime | None = None

    def text(self) -> str:
        """Return the trouble as it is stored: what is worse sorts first, then what is older."""
        return f"{_HIGHEST_RANK - self.rank:02d}#{iso(self.since) if self.since else _UNKNOWN}"


def parse_trouble(text: str) -> Trouble:
    """Return the trouble that was stored as this text."""
    order, _, since = text.partition("#")
    known = None if since == _UNKNOWN else parse_or_none(since)
    return Trouble(_HIGHEST_RANK - int(order), known)
