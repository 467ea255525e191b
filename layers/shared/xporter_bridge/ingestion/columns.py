"""Decides which columns of a table are stored: minimisation, and columns that come and go.

Applied to every page before it is written anywhere, so that what is left out is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ContractError

# Words that, in an uncatalogued column, suggest special-category data about a person, or data that
# a scope of its own guards in the columns we know (xporter-api.md, appendix C). The first are
# looked for anywhere; the others in a name taken apart, for "race" is in "Trace".
_ANYWHERE = re.compile(
    r"medic|health|disab|pregnan|ethnic|relig|faith|sexual|orientation|gender.?ident|criminal"
    r"|convict|biometr|finger.?print|photo|image|safeguard|child.?protect|asylum|refugee|genetic"
    r"|trade.?union|politic|national.?(insurance|ident)|passport|allerg|dietary|nationalit|languag"
    r"|pronoun|counsel|immigra|vaccin|immuni[sz]|diagnos|suicid|alcohol|bursar|salar|young.?carer"
    r"|looked.?after|free.?school.?meal|pupil.?premium|country.?of.?birth|place.?of.?birth"
    r"|self.?harm|special.?(educational.?)?need|transgender|dyslex|autis",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"\b(sen|send|senco|ehcp?|eal|adhd|hiv|nhs|upn|uln|fsm|iban|dbs|race|racial|creed|sex|illness"
    r"|blood|drugs?|court|police|abus\w*|adopt\w*|baptis\w*|pension\w*|marital|mental|bank|nino"
    r"|ni ?(number|no)|sort ?code|(in|ever|lea) ?(lea ?)?care|care ?(leaver|order|experienced)"
    r"|account ?(number|no)|service ?child|unique ?(pupil|learner) ?number|diet)\b",
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# The names of all columns stand in a dataset's item four times, those of the tables in all keys.
# It holds 400 kilobytes. The largest endpoint has 81 columns; there is room for some 1,200.
_MAX_NAME_BYTES = 48 * 1024
_BYTES_PER_NAME = 16
_MAX_TABLES = 100
_MAX_TABLE_NAME_BYTES = 4 * 1024
# A longer name of a column is cut where it is told.
_NAME_SHOWN = 100

Row = dict[str, Any]


@dataclass
class ColumnReport:
    """The names of new, missing and withheld columns by table; never values."""

    withheld: dict[str, set[str]] = field(default_factory=dict)
    added: dict[str, set[str]] = field(default_factory=dict)
    recased: dict[str, set[str]] = field(default_factory=dict)
    ignored: dict[str, set[str]] = field(default_factory=dict)

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
        self._spellings = {name.casefold(): name for name in (*dataset.endpoint.tables, *known)}
        self._decided: dict[str, dict[str, bool]] = {}
        names = chain.from_iterable(self._known.values())
        self._name_bytes = sum(len(name.encode()) + _BYTES_PER_NAME for name in names)
        self._uncatalogued: dict[str, set[str]] = {}
        self.report = ColumnReport()
        self.columns: dict[str, dict[str, None]] = {}

    def table(self, name: str) -> str:
        """Return the name that we know a table by: Xporter has changed the casing of names before.

        That is the snapshot's, else the catalogue's, else the first that came.

        Raises:
            ContractError: There are too many tables, or their names are too long.
        """
        if name.casefold() not in self._spellings:
            names = (*self._spellings.values(), name)
            is_long = sum(len(each.encode()) for each in names) > _MAX_TABLE_NAME_BYTES
            if len(names) > _MAX_TABLES or is_long:
                raise ContractError("too_many_tables")
        known = self._spellings.setdefault(name.casefold(), name)
        if known != name:
            self.report.note(self.report.recased, name, "*")
        return known

    def is_withheld(self, table: str) -> bool:
        """Tell whether a whole table is withheld: an unknown table, named like sensitive data.

        A configuration that allows some of its columns knows the table.
        """
        folded = table.casefold()
        if folded in self._catalogued or folded in self._dataset.allow or not is_sensitive(table):
            return False
        self.report.note(self.report.withheld, table, "*")
        return True

    def ignore(self, name: str) -> None:
        """Note a member of an answer that is no table."""
        self.report.note(self.report.ignored, ascii(name[:_NAME_SHOWN])[1:-1], "*")

    def without_dropped_columns(self, table: str, rows: list[Row]) -> list[Row]:
        """Return the rows with only the columns that may be stored; keys and values unchanged.

        Raises:
            ContractError: The dataset is frozen and a new column has appeared.
        """
        names = set().union(*rows)
        decided = self._decided.setdefault(table, {})
        if not names <= decided.keys():
            self.decide_columns(table, dict.fromkeys(chain.from_iterable(rows)))
        dropped = {name for name in names if decided[name]}
        if not dropped:
            return rows
        return [{name: row[name] for name in row if name not in dropped} for row in rows]

    def decide_columns(self, table: str, columns: Iterable[str]) -> None:
        """Decide, once, on columns that the pull has met, also in an earlier part of it.

        Raises:
            ContractError: As ``without_dropped_columns``, or there are too many columns.
        """
        self.table(table)
        decided = self._decided.setdefault(table, {})
        for name in columns:
            if name not in decided:
                self._count(table, name)
                is_dropped = self._is_dropped(table, name)
                if not is_dropped:
                    self.columns.setdefault(table, {})[name] = None
                    if self._is_uncatalogued(table.casefold(), name.casefold()):
                        self._uncatalogued.setdefault(table, set()).add(name)
                decided[name] = is_dropped

    def is_to_be_searched(self, table: str, text: bytes) -> bool:
        """Tell whether columns that nobody has catalogued may hold objects or lists.

        Args:
            text: The rows as JSON, which is looked through faster than they are.
        """
        return bool(self._uncatalogued.get(table)) and (b'":{' in text or b'":[' in text)

    def searched(self, table: str, rows: list[Row]) -> list[Row]:
        """Return the rows without the objects and lists in columns that nobody has catalogued.

        What is in them nobody has looked at: a harmless name may cover any field.
        """
        columns = tuple(self._uncatalogued.get(table, ()))  # other threads meet more
        kept = []
        for row in rows:
            nested = {name for name in columns if isinstance(row.get(name), dict | list)}
            for name in nested:
                self.report.note(self.report.withheld, table, name)
            kept.append({name: row[name] for name in row if name not in nested} if nested else row)
        return kept

    def kept_columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns kept so far by table; safe while other threads meet more."""
        return {table: tuple(columns) for table, columns in dict(self.columns).items()}

    def _count(self, table: str, name: str) -> None:
        """Raise if all names of columns would be more than a dataset's item has room for."""
        if name not in self._known.get(table.casefold(), ()):
            self._name_bytes += len(name.encode()) + _BYTES_PER_NAME
        if self._name_bytes > _MAX_NAME_BYTES:
            raise ContractError(f"too_many_columns: {table}")

    def _is_dropped(self, table: str, name: str) -> bool:
        folded_table, folded = table.casefold(), name.casefold()
        if folded in self._dataset.leave_out.get(folded_table, frozenset()):
            return True
        if self._is_uncatalogued(folded_table, folded) and is_sensitive(name):
            self.report.note(self.report.withheld, table, name)
            return True
        return self._is_drift(table, name)

    def _is_uncatalogued(self, table: str, name: str) -> bool:
        """Tell whether neither the catalogue nor the configuration knows a column."""
        known = self._catalogued.get(table, set())
        return name not in known and not self._is_allowed(table, name)

    def _is_allowed(self, table: str, name: str) -> bool:
        return name in self._dataset.allow.get(table, frozenset())

    def _is_drift(self, table: str, name: str) -> bool:
        known = self._known.get(table.casefold())
        if known is None or name in known or self._is_allowed(table.casefold(), name.casefold()):
            return False
        if name.casefold() in {column.casefold() for column in known}:
            self.report.note(self.report.recased, table, name)
            return False
        self.report.note(self.report.added, table, name)
        if self._dataset.drift == "freeze":
            shown = f"{table}.{name}"[:_NAME_SHOWN]
            raise ContractError(f"column_added_to_frozen_dataset: {shown}")
        return self._dataset.drift == "discard"


def is_sensitive(name: str) -> bool:
    """Tell whether a column's name, in whatever casing, suggests data of a special kind."""
    words = " ".join(_WORD.findall(name)).lower()
    return bool(_ANYWHERE.search(name) or _WORDS.search(words))
