"""The columns of a table's Parquet file, and the rows of a snapshot as values of these columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from xporter_bridge.exact_json import has_long_number, loads
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.parquet_forms import FORMS, TEXT, Form, Kind, cell_text, fits

# Returns the catalogue's type of a column, given its name.
TypeOf = Callable[[str], str]
Row = Mapping[str, Any]

_TEXTS = frozenset({str, type(None)})


class UnconvertibleError(Exception):
    """No Parquet file can hold the table; ``reason`` says why, without a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ColumnPlan:
    """One column of the file: its name, all spellings of it in the rows, and its form."""

    name: str
    spellings: tuple[str, ...]
    form: Form

    def values(self, rows: Sequence[Row]) -> list[Any]:
        """Return the column's values in these rows; None is null, or a row without the column.

        Raises:
            UnconvertibleError: A row has two spellings of the column, with two values.
        """
        texts = _texts(rows, self.spellings)
        if self.form.kind is Kind.TEXT:
            return texts
        read: dict[str | None, Any] = {None: None}
        for text in set(texts):
            if text is not None:
                read[text] = self.form.read(text)
        return [read[text] for text in texts]


@dataclass
class _Choice:
    """What is known of a column so far: its spellings, and the forms that fit what was met."""

    spellings: dict[str, None] = field(default_factory=dict)
    forms: tuple[Form, ...] | None = None


class ColumnChooser:
    """Chooses the columns of a file and the form of each, given every row once.

    Names that differ only in case are one column, as in the engines that read Parquet.

    Args:
        columns: Columns that the table has had; those without a value now are there all the same.
        key: The column of a table that has never had one: Parquet knows no table without columns.
    """

    def __init__(self, type_of: TypeOf, columns: Iterable[str], key: str) -> None:
        self._type_of = type_of
        self._key = key
        self._choices: dict[str, _Choice] = {}
        self._met: set[str] = set()
        for name in columns:
            self._choice(name)

    def look_at(self, rows: Sequence[Row]) -> None:
        """Take note of some rows."""
        if not self._met.issuperset(set().union(*rows)):
            for name in dict.fromkeys(name for row in rows for name in row):
                self._choice(name)
        for choice in self._choices.values():
            if choice.forms:
                met = set(_texts(rows, tuple(choice.spellings)))
                texts = [text for text in met if text is not None]
                choice.forms = tuple(
                    form for form in choice.forms if all(fits(form, text) for text in texts)
                )

    def chosen(self) -> list[ColumnPlan]:
        """Return the columns."""
        if not self._choices:
            self._choice(self._key)
        return [
            ColumnPlan(list(each.spellings)[-1], tuple(each.spellings), (each.forms or (TEXT,))[0])
            for each in self._choices.values()
        ]

    def _choice(self, name: str) -> None:
        choice = self._choices.setdefault(name.casefold(), _Choice())
        choice.spellings[name] = None
        self._met.add(name)
        if choice.forms is None:
            choice.forms = FORMS.get(self._type_of(name), ())


def rows_of(block: Block) -> list[Row]:
    """Return the rows of a block."""
    lines = block.lines()
    if has_long_number(block.data):
        return [loads(line) for line in lines]
    try:
        found: list[Row] = orjson.loads(b"[%s]" % b",".join(lines))
    except orjson.JSONDecodeError:  # A short number may also be too large: 1e400.
        return [loads(line) for line in lines]
    return found


def _texts(rows: Sequence[Row], spellings: Sequence[str]) -> list[str | None]:
    first, *others = spellings
    texts = _cell_texts([row.get(first) for row in rows])
    for name in others:
        for place, text in enumerate(_cell_texts([row.get(name) for row in rows])):
            if text is not None and texts[place] not in {None, text}:
                raise UnconvertibleError("column_twice")
            texts[place] = texts[place] if text is None else text
    return texts


def _cell_texts(values: list[Any]) -> list[str | None]:
    is_text = _TEXTS.issuperset(map(type, values))
    return values if is_text else [cell_text(value) for value in values]
