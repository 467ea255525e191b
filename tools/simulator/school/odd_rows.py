"""Rows of untidy management information systems: repeated, with a shared Id, or without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.simulator.http.errors import ControlError
from tools.simulator.school.revisioned_tables import Key, Row
from tools.simulator.service.endpoints import tables_named


@dataclass(frozen=True)
class OddRows:
    """The irregularities of one table.

    The first ``repeated`` rows come a second time, after all others; the ``shared_ids`` rows after
    the first have its Id; the last rows have ``blank_ids`` in place of theirs.
    """

    repeated: int = 0
    shared_ids: int = 0
    blank_ids: tuple[Any, ...] = ()

    def keys(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Return the keys of the rows that are sent."""
        return [*keys, *keys[: self.repeated]] if self.repeated else keys

    def ids(self, keys: Sequence[Key], first_id: Any) -> dict[Key, Any]:
        """Return the Id of each row that has another than its own.

        Args:
            keys: Those of the whole table.
            first_id: The Id of its first row.
        """
        shared = dict.fromkeys(keys[1 : 1 + self.shared_ids], first_id)
        last = keys[max(0, len(keys) - len(self.blank_ids)) :]
        return shared | dict(zip(last, self.blank_ids, strict=False))


def with_ids(rows: list[Row], keys: Sequence[Key], ids: dict[Key, Any]) -> None:
    """Write those Ids into the rows."""
    for key, row in zip(keys, rows, strict=True):
        if key in ids:
            row["Id"] = ids[key]


def read(given: dict[str, Any]) -> dict[str, OddRows]:
    """Return what a control call says of each table, by its name in lower case.

    Raises:
        ControlError: There is no such table, or something is not understood.
    """
    found = {}
    for table, facts in given.items():
        if not tables_named(table):
            raise ControlError(f"no table {table!r}")
        if not isinstance(facts, dict) or facts.keys() - OddRows.__dataclass_fields__.keys():
            known = ", ".join(OddRows.__dataclass_fields__)
            raise ControlError(f"odd_rows of {table} is an object with some of {known}")
        blanks = facts.get("blank_ids", [])
        counts = [facts.get(name, 0) for name in ("repeated", "shared_ids")]
        if not isinstance(blanks, list) or not all(type(n) is int and n >= 0 for n in counts):
            raise ControlError(f"odd_rows of {table} has a wrong value")
        repeated, shared = counts
        found[table.lower()] = OddRows(repeated, shared, tuple(blanks))
    return found
