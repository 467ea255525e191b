"""What was reported of a dataset, so that each thing is reported once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Noticed:
    """Drift and oddities that were reported, so that each is reported once.

    ``oddities_seen`` is the evidence of a pull that was odd, and ``repeated`` how many rows of each
    table were reported to share their identity with another.
    """

    reported_columns: Mapping[str, list[str]] = field(default_factory=dict)
    oddities_seen: str = ""
    repeated: Mapping[str, int] = field(default_factory=dict)
