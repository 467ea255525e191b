"""Every endpoint of Xporter's data API, as data: ``endpoints.json`` beside this module.

The facts are from xporter-api.md, appendices B and C and section 5.2; a test compares the file with
them. A new endpoint needs a new entry in the file and no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.xporter import scopes

_MAX_VALUE = 500
# ".." is excluded: it would address another resource, and bypass the fields left out of this one.
_PATH_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]+")


@dataclass(frozen=True)
class Table:
    """One result table of an endpoint: the field that identifies its rows, and known fields.

    An empty ``key`` means that no field identifies a row; the whole row is its identity.
    """

    name: str
    key: str
    fields: frozenset[str]


@dataclass(frozen=True)
class Parameter:
    """A query parameter; ``format`` is ``date`` or empty; no ``values`` means any value."""

    name: str
    values: tuple[str, ...] = ()
    format: str = ""


@dataclass(frozen=True)
class Endpoint:
    """One data endpoint: its path, its parameters and scopes, and its tables.

    ``column_scopes`` are the scopes that add a group of columns, such as addresses. (Appendix C of
    xporter-api.md names more: scopes of whole endpoints, such as Attendance, add some figures.)
    ``page_size_with`` is the number of rows per page for options that make rows large.
    """

    name: str
    resource: str
    scope: str
    database: str
    ttl: timedelta
    takes_id: bool
    options: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    tables: Mapping[str, Table] = field(hash=False)
    mandatory: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    column_scopes: frozenset[str] = frozenset()
    page_size: int = 1_000
    page_size_with: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that affects the response."""
        return frozenset(scopes.named_in(self.scope)) | self.column_scopes

    def rows_per_page(self, options: Iterable[str]) -> int:
        """Return the number of rows per page, which is small for rows with pictures or files."""
        chosen = {option.casefold() for option in options}
        sizes = (size for name, size in self.page_size_with.items() if name.casefold() in chosen)
        return min((self.page_size, *sizes))

    @property
    def has_id_in_path(self) -> bool:
        """Tell whether the endpoint requires an ``id`` in its path."""
        return self.takes_id and "id" in self.mandatory

    def check(self, options: Sequence[str], parameters: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters under their catalogued names.

        Raises:
            RequestRejectedError: 400; names the wrong parameter and the accepted values.
        """
        known = {option.casefold() for option in self.options}
        for option in options:
            if option.casefold() not in known:
                raise RequestRejectedError(400, f"{self.name} has no option {option[:40]!r}")
        checked = dict(self._checked(name, value) for name, value in parameters.items())
        for name in self.mandatory:
            if name not in checked:
                raise RequestRejectedError(400, f"{self.name} needs the parameter {name!r}")
        if self.at_least_one and not any(name in checked for name in self.at_least_one):
            names = ", ".join(self.at_least_one)
            raise RequestRejectedError(400, f"{self.name} needs at least one of {names}")
        return checked

    def _checked(self, name: str, value: str) -> tuple[str, str]:
        parameter = {known.casefold(): known for known in self.parameters}.get(name.casefold())
        if parameter is None:
            raise RequestRejectedError(400, f"{self.name} has no parameter {name[:40]!r}")
        checked = _checked_value(self.parameters[parameter], value)
        if parameter == "id" and self.has_id_in_path and not _PATH_ID.fullmatch(checked):
            raise RequestRejectedError(400, "id may hold letters, digits, dots, dashes and _ only")
        return parameter, checked


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """Return every endpoint by its name in lower case."""
    document = _document()
    return {
        name: _endpoint(name, entry, document["databases"])
        for name, entry in document["endpoints"].items()
    }


def find(name: str) -> Endpoint:
    """Return the endpoint; its name is compared without regard to case.

    Raises:
        RequestRejectedError: 404 when Xporter has no such endpoint.
    """
    endpoint = endpoints().get(name.casefold())
    if endpoint is None:
        raise RequestRejectedError(404, f"there is no endpoint {name[:60]!r}")
    return endpoint


@cache
def tables_of(resource: str) -> frozenset[str]:
    """Return the names of a resource's tables in lower case; several endpoints may share one."""
    return frozenset(
        table.casefold()
        for endpoint in endpoints().values()
        if endpoint.resource.casefold() == resource.casefold()
        for table in endpoint.tables
    )


def databases() -> Mapping[str, timedelta]:
    """Return the time to live of each of Xporter's databases, by name (xporter-api.md 5.6)."""
    return {name: timedelta(minutes=ttl) for name, ttl in _document()["databases"].items()}


@cache
def _document() -> Any:
    return orjson.loads(files(__package__).joinpath("endpoints.json").read_bytes())


def _endpoint(name: str, entry: Mapping[str, Any], ttls: Mapping[str, int]) -> Endpoint:
    return Endpoint(
        name=name,
        resource=entry["resource"],
        scope=entry["scope"],
        database=entry["database"],
        ttl=timedelta(minutes=ttls[entry["database"]]),
        takes_id=entry["takes_id"],
        options=tuple(entry["options"]),
        parameters={
            key: Parameter(key, tuple(value.get("values", ())), value.get("format", ""))
            for key, value in entry["parameters"].items()
        },
        tables={
            table: Table(table, facts["key"], frozenset(facts["fields"]))
            for table, facts in entry["tables"].items()
        },
        mandatory=tuple(entry.get("mandatory", ())),
        at_least_one=tuple(entry.get("at_least_one", ())),
        column_scopes=frozenset(entry.get("column_scopes", ())),
        page_size=entry.get("page_size", Endpoint.page_size),
        page_size_with=entry.get("page_size_with", {}),
    )


def _checked_value(parameter: Parameter, value: str) -> str:
    if not value or len(value) > _MAX_VALUE or not value.isprintable():
        raise RequestRejectedError(400, f"{parameter.name} is empty, too long or unprintable")
    if parameter.values:
        for accepted in parameter.values:
            if accepted.casefold() == value.casefold():
                return accepted
        raise RequestRejectedError(
            400, f"{parameter.name} must be one of {', '.join(parameter.values)}"
        )
    if parameter.format == "date":
        _check_date(parameter.name, value)
    return value


def _check_date(name: str, value: str) -> None:
    # fromisoformat alone would also accept 20261120 and 2026-W47-5, which Xporter does not know.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) or not _is_date(value):
        raise RequestRejectedError(400, f"{name} must be a date like 2026-11-20")


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
