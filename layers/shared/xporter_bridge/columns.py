"""Which columns of a table are kept: minimisation, and what to do as columns come and go.

Applied to every page before it is written anywhere, so that what is left out is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from xporter_bridge.datasets import Dataset
from xporter_bridge.errors import ContractError

# Words that, in an uncatalogued column, suggest special-category data about a person.
_SENSITIVE = re.compile(
    r"medic|health|disab|pregnan|ethnic|relig|faith|sexual|orientation|gender.?ident|criminal"
    r"|convict|biometr|finger.?print|photo|image|safeguard|child.?protect|asylum|refugee|genetic"
    r"|trade.?union|politic|national.?insurance|nhs|bank|passport",
    re.IGNORECASE,
)

Row = dict[str, Any]


@dataclass
class ColumnReport:
    """What a pull noticed about columns: names by table, never values."""

    withheld: dict[str, set[str]] = field(default_factory=dict)
    added: dict[str, set[str]] = field(default_factory=dict)
    recased: dict[str, set[str]] = field(default_factory=dict)

    def note(self, kind: dict[str, set[str]], table: str, column: str) -> None:
        """Remember one column of one table."""
        kind.setdefault(table, set()).add(column)


class ColumnPolicy:
    """Decides for one dataset which columns of its tables may be stored.

    Args:
        known: The columns of the current snapshot by table; empty before the first pull.
    """

    def __init__(self, dataset: Dataset, known: Mapping[str, Iterable[str]]) -> None:
        self._dataset = dataset
        # A table that never had a row has no columns yet, so no column counts as new.
        self._known = {t.casefold(): set(columns) for t, columns in known.items() if columns}
        self._catalogued = {
            table.name.casefold(): {name.casefold() for name in table.fields}
            for table in dataset.endpoint.tables.values()
        }
        self._decided: dict[str, dict[str, bool]] = {}
        self.report = ColumnReport()
        self.columns: dict[str, dict[str, None]] = {}

    def kept(self, table: str, rows: list[Row]) -> list[Row]:
        """Return the rows with only the columns that may be stored; keys and values unchanged.

        Raises:
            ContractError: The dataset is frozen and a new column has appeared.
        """
        names = set().union(*rows)
        decided = self._decided.setdefault(table, {})
        if not names <= decided.keys():
            self.recall(table, dict.fromkeys(chain.from_iterable(rows)))
        dropped = {name for name in names if decided[name]}
        if not dropped:
            return rows
        return [{name: row[name] for name in row if name not in dropped} for row in rows]

    def recall(self, table: str, columns: Iterable[str]) -> None:
        """Decide, once, on columns that the pull has met, also in an earlier part of it.

        Raises:
            ContractError: As ``kept``.
        """
        decided = self._decided.setdefault(table, {})
        for name in columns:
            if name not in decided:
                is_dropped = self._is_dropped(table, name)
                if not is_dropped:
                    self.columns.setdefault(table, {})[name] = None
                decided[name] = is_dropped

    def met(self) -> dict[str, tuple[str, ...]]:
        """Return the columns kept so far by table; safe while other threads meet more."""
        return {table: tuple(columns) for table, columns in dict(self.columns).items()}

    def _is_dropped(self, table: str, name: str) -> bool:
        folded_table, folded = table.casefold(), name.casefold()
        if folded in self._dataset.leave_out.get(folded_table, frozenset()):
            return True
        if self._is_withheld(folded_table, folded):
            self.report.note(self.report.withheld, table, name)
            return True
        return self._is_drift(table, name)

    def _is_withheld(self, table: str, name: str) -> bool:
        known = self._catalogued.get(table, set())
        allowed = self._dataset.allow.get(table, frozenset())
        return name not in known and name not in allowed and bool(_SENSITIVE.search(name))

    def _is_drift(self, table: str, name: str) -> bool:
        known = self._known.get(table.casefold())
        if known is None or name in known:
            return False
        if name.casefold() in {column.casefold() for column in known}:
            self.report.note(self.report.recased, table, name)
            return False
        self.report.note(self.report.added, table, name)
        if self._dataset.drift == "freeze":
            raise ContractError("column_added_to_frozen_dataset")
        return self._dataset.drift == "discard"
