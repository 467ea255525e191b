"""The type of each column, and what each engine calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.set_up import ROOT
from xporter_bridge.xporter.column_types import type_of

_ENDPOINTS = ROOT / "layers/shared/xporter_bridge/xporter/endpoints.json"
_NUMBER = r"^\s*[+-]?[0-9]+(\.[0-9]*)?\s*$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass(frozen=True)
class ColumnType:
    """The type of a column, in Xporter's rows and in the engines that read them.

    ``schema`` is what the JSON may be; the rest is what the text of it can be cast to.
    """

    says: str
    schema: Mapping[str, Any]
    duckdb: str
    pandas: str
    athena: str


def _text_or(*kinds: str, pattern: str | None = None) -> dict[str, Any]:
    # Some tables have empty text in place of null.
    limits = {"pattern": f"^$|{pattern}"} if pattern else {}
    return {"type": ["string", *kinds, "null"], **limits}


TYPES: Mapping[str, ColumnType] = {
    "text": ColumnType(
        "text; ids, codes and lists of ids too, whatever they look like",
        _text_or("integer", "number"), "VARCHAR", "object", "string",
    ),
    "date": ColumnType(
        "`2016-08-24`", _text_or(pattern=_DAY), "DATE", "object", "date",
    ),
    "time": ColumnType(
        "a date, or a date and time without a zone (UTC): `2016-08-24T09:00:00`",
        _text_or(pattern=r"^[0-9]{2,4}-[0-9]{2}-[0-9]{2,4}"),
        "TIMESTAMP", "object", "timestamp",
    ),
    "whole number": ColumnType(
        "a count or a place in an order, as a number or as text",
        _text_or("integer", "number", pattern=_NUMBER), "HUGEINT", "object", "bigint",
    ),
    "number": ColumnType(
        "a number, as a number or as text",
        _text_or("number", pattern=_NUMBER), "DECIMAL(38, 10)", "object", "decimal(38, 10)",
    ),
    "truth": ColumnType(
        "0 or 1, as a number or as text, seldom true or false, sometimes null: not known",
        _text_or("integer", "boolean"), "BOOLEAN", "object", "boolean",
    ),
    "base64": ColumnType(
        "a picture or file in base64", _text_or(), "VARCHAR", "object", "string",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class CataloguedTable:
    """One result table of one endpoint: what identifies its rows, and the types of its columns."""

    endpoint: str
    name: str
    key: str
    columns: Mapping[str, str]

    @property
    def title(self) -> str:
        """The table's title; the name of a table alone is not unique."""
        return f"{self.endpoint}.{self.name}"


def tables() -> Iterator[CataloguedTable]:
    """Yield every table of the catalogue, in its order."""
    document = json.loads(_ENDPOINTS.read_text(encoding="utf-8"))
    for endpoint, entry in document["endpoints"].items():
        for name, facts in entry["tables"].items():
            columns = {column: type_of(column) for column in facts["fields"]}
            yield CataloguedTable(endpoint, name, facts["key"], columns)
