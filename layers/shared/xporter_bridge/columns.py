"""Which columns of a table are kept: minimisation, and the contract on columns that come and go.

Applied to every page before it is written anywhere, so that what is left out is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xporter_bridge.datasets import Dataset
from xporter_bridge.errors import ContractError

# Words that, in a column nobody has catalogued, mean data of a special kind about a person.
_SENSITIVE = re.compile(
    r"medic|health|disab|pregnan|ethnic|relig|faith|sexual|orientation|gender.?ident|criminal"
    r"|convict|biometr|finger.?print|photo|image|safeguard|child.?protect|asylum|refugee|genetic"
    r"|trade.?union|politic|national.?insurance|nhs|bank|passport",
    re.IGNORECASE,
)

Row = dict[str, Any]


@dataclass
class ColumnReport:
    """What a pull noticed of columns: names by table, never values."""

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
        self._known = {table.casefold(): set(columns) for table, columns in known.items()}
        self._catalogued = {
            table.name.casefold(): {name.casefold() for name in table.fields}
            for table in dataset.endpoint.tables.values()
        }
        self._decided: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self.report = ColumnReport()
        self.columns: dict[str, dict[str, None]] = {}

    def kept(self, table: str, rows: list[Row]) -> list[Row]:
        """Return the rows with only the columns that may be stored; keys and values unchanged.

        Raises:
            ContractError: The dataset is frozen and a column has come.
        """
        return [self._row(table, row) for row in rows]

    def _row(self, table: str, row: Row) -> Row:
        shape = tuple(row)
        drop = self._decided.get((table, shape))
        if drop is None:
            drop = self._decided[table, shape] = self._decide(table, shape)
        return {name: row[name] for name in shape if name not in drop} if drop else row

    def _decide(self, table: str, shape: tuple[str, ...]) -> frozenset[str]:
        """Decide once per shape of row: rows of a table differ little in their columns."""
        drop = frozenset(name for name in shape if self._is_dropped(table, name))
        self.columns.setdefault(table, {}).update(
            dict.fromkeys(name for name in shape if name not in drop)
        )
        return drop

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
