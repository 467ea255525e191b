"""The request grammar of the data endpoints (xporter-api.md 5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from tools.simulator.http.errors import bad_argument
from tools.simulator.service.endpoints import Resource

#: Lower-case parameters that are no filters.
_GRAMMAR = frozenset(
    {
        "options", "page", "pagesize", "changedrows", "select", "updatedsince", "callbackurl",
        "onlygetdbstatus", "httpstatuscodes", "date", "datefrom", "dateto", "id", "estab",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """One request for data, parsed."""

    resource: Resource
    record_id: str | None
    options: frozenset[str]
    filters: tuple[tuple[str, str], ...]
    select: tuple[str, ...]
    updated_since: str | None
    days: tuple[date, date] | None
    page: int | None
    page_size: int | None
    changed_rows: str | None
    callback_url: str | None
    only_status: bool

    @cached_property
    def fingerprint(self) -> str:
        """What one chain of change sets has in common: endpoint, options and parameters."""
        return repr(
            (
                self.resource.name, self.record_id, sorted(self.options), self.filters,
                self.select, self.updated_since, self.days,
            )
        )  # fmt: skip

    @property
    def is_paged(self) -> bool:
        """Whether the reply is a page."""
        return self.page is not None or self.page_size is not None


def folded(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return query parameters by lower-case name; the first of several wins."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        parameters.setdefault(name.lower(), value)
    return parameters


def wants_status_codes(parameters: Mapping[str, str]) -> bool:
    """Tell whether the caller opted in to real HTTP statuses."""
    return parameters.get("httpstatuscodes", "").lower() == "true"


def _number(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise bad_argument(f"{name} must be a positive number")
    return int(text)


def _day(text: str, name: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise bad_argument(f"{name} is not a date: yyyy-MM-dd") from error


def _days(parameters: Mapping[str, str]) -> tuple[date, date] | None:
    if parameters.get("date"):
        day = _day(parameters["date"], "date")
        return day, day
    first, final = parameters.get("datefrom"), parameters.get("dateto")
    if not first and not final:
        return None
    days = (_day(first or final or "", "DateFrom"), _day(final or first or "", "DateTo"))
    if days[0] > days[1]:
        raise bad_argument("DateFrom is after DateTo")
    return days


def _csv(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _check_mandatory(resource: Resource, parameters: Mapping[str, str]) -> None:
    for needed in resource.mandatory:
        if not any(parameters.get(name.lower()) for name in needed.split("|")):
            raise bad_argument(f"{resource.name} needs the parameter {needed.replace('|', ' or ')}")


def parse(resource: Resource, record_id: str | None, parameters: Mapping[str, str]) -> Query:
    """Return the request; unknown parameters are ignored, as the service does.

    Raises:
        XporterError: A mandatory parameter is missing, or one is malformed.
    """
    identity = record_id or parameters.get("id") or None
    _check_mandatory(resource, {**parameters, "id": identity or ""})
    known = {name.lower() for name in resource.parameters} - _GRAMMAR
    filters = tuple(
        sorted((name, value) for name, value in parameters.items() if name in known and value)
    )
    return Query(
        resource=resource,
        record_id=identity,
        options=frozenset(option.lower() for option in _csv(parameters.get("options"))),
        filters=filters,
        select=_csv(parameters.get("select")),
        updated_since=parameters.get("updatedsince") or None,
        days=_days(parameters),
        page=_number(parameters, "page"),
        page_size=_number(parameters, "pagesize"),
        changed_rows=parameters.get("changedrows") or None,
        callback_url=parameters.get("callbackurl"),
        only_status=parameters.get("onlygetdbstatus", "").lower() == "true",
    )
