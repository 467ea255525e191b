"""Xporter's endpoints as data: their scopes, databases, options, parameters, tables and columns."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools.simulator.service.scopes import covers


@dataclass(frozen=True)
class Column:
    """One column: who may see it, and the option (lower case) that asks for it, if any."""

    name: str
    scope: str
    example: str | None
    option: str | None


@dataclass(frozen=True)
class Shape:
    """One result table of one resource; without its option it is sent as ``[]``."""

    resource: str
    name: str
    scope: str
    option: str | None
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in their documented order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Resource:
    """One endpoint under ``/api/v1/School/{estab}/``."""

    name: str
    scope: str
    database: str
    options: tuple[str, ...]
    parameters: tuple[str, ...]
    mandatory: tuple[str, ...]
    link: str | None
    shapes: tuple[Shape, ...]


def _shape(resource: str, name: str, facts: dict[str, Any]) -> Shape:
    columns = tuple(
        Column(column[0], column[1], column[2], column[3].lower() if len(column) > 3 else None)
        for column in facts["columns"]
    )
    option = facts.get("option")
    return Shape(resource, name, facts["scope"], option.lower() if option else None, columns)


def _resource(name: str, facts: dict[str, Any]) -> Resource:
    return Resource(
        name=name,
        scope=facts["scope"],
        database=facts["database"],
        options=tuple(facts["options"]),
        parameters=tuple(facts["parameters"]),
        mandatory=tuple(facts.get("mandatory", ())),
        link=facts.get("link"),
        shapes=tuple(_shape(name, table, shape) for table, shape in facts["tables"].items()),
    )


_FACTS = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))
RESOURCES: dict[str, Resource] = {
    name.lower(): _resource(name, facts) for name, facts in _FACTS.items()
}


@lru_cache(maxsize=512)
def visible_columns(
    shape: Shape, scopes: frozenset[str], options: frozenset[str], select: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the columns that a token sees: one without scope is omitted, not null."""
    if not covers(scopes, shape.scope):
        return ()
    wanted = {name.lower() for name in select}
    return tuple(
        column.name
        for column in shape.columns
        if covers(scopes, column.scope)
        and (column.option is None or column.option in options)
        and (not wanted or column.name.lower() in wanted or column.name == "Id")
    )


def tables_named(name: str, resource: str | None = None) -> Collection[Shape]:
    """Return the shapes that carry ``name``; several resources may share one."""
    return [
        shape
        for each in RESOURCES.values()
        for shape in each.shapes
        if shape.name.lower() == name.lower()
        and (resource is None or each.name.lower() == resource.lower())
    ]
