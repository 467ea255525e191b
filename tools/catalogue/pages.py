"""Writes docs/tables.md and a JSON schema per table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tools.catalogue.columns import TYPES, CataloguedTable, tables

PAGE = Path("docs/tables.md")
SCHEMAS = Path("docs/tables")

_HEAD = """# Tables and columns

Generated from the catalogue by `make tables`; do not edit. What Xporter's tables are known to hold:
a school may share less, and Xporter may send more. A column that is not here is text. In
[tables/](tables) there is a JSON schema (2020-12) for each; it holds for rows as Xporter writes
them, which are those in the bucket.

Types are what the documentation and recordings show, and Xporter does not keep to them: it has
written numbers as text, and truths as null. So every reader takes all columns as **text** first
([data.md](data.md)) and casts what it needs; a cast that fails says so, a type that was guessed
loses values without a word.

| type | holds | DuckDB | pandas | Athena, Glue | JSON schema |
| --- | --- | --- | --- | --- | --- |
"""


def files() -> Iterator[tuple[Path, str]]:
    """Yield every generated file: its path in the repository and what it holds."""
    known = list(tables())
    yield PAGE, _page(known)
    for table in known:
        yield SCHEMAS / f"{table.title}.schema.json", _schema(table)


def _page(known: list[CataloguedTable]) -> str:
    kinds = "".join(
        f"| {name} | {kind.says} | `{kind.duckdb}` | `{kind.pandas}` | `{kind.athena}` | "
        f"{', '.join(kind.schema['type'])} |\n"
        for name, kind in TYPES.items()
    )
    return _HEAD + kinds + "".join(map(_section, known))


def _section(table: CataloguedTable) -> str:
    key = f"identified by `{table.key}`" if table.key else "identified by the whole row"
    lines = [
        f"\n## {table.title}\n",
        f"{key.capitalize()}. [Schema](tables/{table.title}.schema.json)\n",
    ]
    by_type: dict[str, list[str]] = {}
    for column, kind in table.columns.items():
        by_type.setdefault(kind, []).append(f"`{column}`")
    lines += [f"- {kind}: {', '.join(by_type[kind])}" for kind in TYPES if kind in by_type]
    if not table.columns:
        lines.append("Nobody has recorded its columns.")
    return "\n".join(lines) + "\n"


def _schema(table: CataloguedTable) -> str:
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.title,
        "type": "object",
        "x-key": table.key or None,
        "properties": {
            column: {
                **TYPES[kind].schema,
                "x-type": kind,
                "x-duckdb": TYPES[kind].duckdb,
                "x-pandas": TYPES[kind].pandas,
                "x-athena": TYPES[kind].athena,
            }
            for column, kind in table.columns.items()
        },
        "additionalProperties": True,
    }
    return json.dumps(document, indent=1) + "\n"
