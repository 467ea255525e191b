"""The task of a contestant: the source of the rows and the folder for the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pull_comparison.rows import RESOURCE, TABLE

MODULES = {
    "ours": "pull_comparison.ours",
    "floor": "pull_comparison.floor",
    "requests": "pull_comparison.plain_loop",
    "dlt": "pull_comparison.dlt_source",
    "singer": "pull_comparison.singer_tap",
}
ESTAB = "3281102"
PAGE_SIZE = 1_000


@dataclass(frozen=True)
class Task:
    """One pull: from where, and into which folder.

    The folder outlives a killed contestant, and the next attempt is given the same one; ``attempt``
    counts from 1.
    """

    url: str
    folder: Path
    attempt: int = 1

    @property
    def base(self) -> str:
        """The address of the school's data."""
        return f"{self.url}/api/v1/School/{ESTAB}/"

    @property
    def path(self) -> str:
        """The resource under ``base``."""
        return RESOURCE


def page_rows(document: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    """Return the rows of a parsed page."""
    return document[TABLE]
