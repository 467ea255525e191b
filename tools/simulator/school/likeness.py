"""Makes rows look as a real account's did, by the report of ``xporter-bridge probe``: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.simulator.school.revisioned_tables import Row

Convert = Callable[[Any], Any]

# What an HTTP server decides by itself, whatever a report has seen.
_OWN_HEADERS = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive",
        "location", "retry-after", "server", "set-cookie", "trailer", "transfer-encoding",
        "upgrade",
    }
)  # fmt: skip
_EMPTY: dict[str, Any] = {
    "null": None,
    "text": "",
    "number": 0,
    "truth": False,
    "array": [],
    "object": {},
}


@dataclass(frozen=True)
class Likeness:
    """What a report has seen; without one, everything is left as it is.

    ``shapes`` has the types of each column, by table, both as they are spelt in reality.
    ``contradicted`` are the numbers of assumptions that this simulator goes on to make.
    """

    shapes: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()

    @classmethod
    def read(cls, report: Any) -> Likeness:
        """Take what a report has seen.

        Raises:
            ValueError: The document is no report of ``xporter-bridge probe --json``.
        """
        try:
            shapes = {
                str(table): {str(name): _known(types) for name, types in columns.items()}
                for table, columns in report["shapes"].items()
            }
            headers = tuple(sorted({str(name).lower() for name in report["headers"]}))
            assumptions = [(each["number"], each["verdict"]) for each in report["assumptions"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no report of `xporter-bridge probe --json`") from error
        wrong = (str(number) for number, verdict in assumptions if verdict == "contradicted")
        sent = tuple(name for name in headers if name not in _OWN_HEADERS)
        return cls(shapes, sent, tuple(wrong))

    def table(self, name: str) -> str:
        """Return how a table is spelt."""
        return _spelt(name, self.shapes)

    def rows(self, table: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Return rows with the columns' spelling and types, and with columns of the report alone.

        Rows that were given are not changed. Columns that only the simulator has stay: whether an
        account shows them depends on scopes.
        """
        seen = self.shapes.get(self.table(table))
        if not seen or not rows:
            return rows
        names = {name: _spelt(name, seen) for name in dict.fromkeys(k for row in rows for k in row)}
        convert = {name: _conversion(seen.get(spelt, ())) for name, spelt in names.items()}
        added = {
            name: _EMPTY[_neutral(types)]
            for name, types in seen.items()
            if name not in names.values()
        }
        return [
            {**{names[name]: convert[name](value) for name, value in row.items()}, **added}
            for row in rows
        ]

    def deleted(self, table: str, identities: Iterable[str]) -> Sequence[Row]:
        """Return the entries of a ``_deleted`` array, with no column but the identity."""
        entries = [{"Id": identity} for identity in identities]
        like = self.rows(table, entries)
        name = _spelt("Id", self.shapes.get(self.table(table), {}))
        return [{name: row[name]} for row in like]


def _known(types: Iterable[str]) -> tuple[str, ...]:
    found = tuple(types)
    if unknown := set(found) - _EMPTY.keys():
        raise TypeError(f"unknown types: {unknown}")
    return found


def _spelt(name: str, known: Iterable[str]) -> str:
    folded = name.casefold()
    return next((each for each in known if each.casefold() == folded), name)


def _neutral(types: Sequence[str]) -> str:
    return "null" if "null" in types else min(types, default="null")


def _conversion(types: Sequence[str]) -> Convert:
    """Return what makes a value one of a type that was seen; a type that fits is kept."""
    return lambda value: _converted(value, types)


def _converted(value: Any, types: Sequence[str]) -> Any:
    own = _type(value)
    if not types or own in types or own in {"null", "array", "object"}:
        return value
    if "number" in types and own == "text":
        return _number(value)
    if "number" in types and own == "truth":
        return int(value)
    if "truth" in types and own == "text" and value.casefold() in {"true", "false"}:
        return value.casefold() == "true"
    return str(value) if "text" in types else value


def _number(text: str) -> Any:
    """Return the number that a text writes; the text if it writes none, or writes it otherwise."""
    for parse in (int, float):
        try:
            number = parse(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text


def _type(value: Any) -> str:
    names = {type(None): "null", bool: "truth", str: "text", list: "array", dict: "object"}
    return names.get(type(value), "number")
