"""What a pull has built: the candidate for the next sequence of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xporter_bridge.ingestion.doubt import Oddity
from xporter_bridge.pulls.hold import TableChange
from xporter_bridge.snapshots.manifest import TableEntry


@dataclass(frozen=True)
class BuiltSequence:
    """A candidate for the next sequence; nothing of it is visible to readers yet.

    ``copies`` maps the key at which readers will find an object to where it is staged.
    ``odd`` is why the answer was doubted, and taken because the same had come before;
    ``is_reordered`` tells that a table was kept in the order of another key, and ``is_converted``
    that a table whose rows stay has a Parquet file that it did not have.
    """

    tables: Mapping[str, TableEntry]
    changes: tuple[TableChange, ...]
    copies: Mapping[str, str]
    odd: Oddity | None = None
    is_reordered: bool = False
    is_converted: bool = False

    @property
    def repeated(self) -> dict[str, int]:
        """How many rows of each table share their identity with another; only where some do."""
        found = {name: entry.repeated for name, entry in self.tables.items()}
        return {name: rows for name, rows in found.items() if rows}

    @property
    def has_other_rows(self) -> bool:
        """Tell whether rows, or their order, differ from those that readers already have."""
        has_changed = any(c.inserted or c.updated or c.deleted for c in self.changes)
        return has_changed or self.is_reordered

    @property
    def is_unchanged(self) -> bool:
        """Tell whether the candidate holds exactly what readers already have."""
        return not (self.has_other_rows or self.is_converted)
