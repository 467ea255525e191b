"""A dataset: one endpoint of Xporter with its options and parameters, as we keep it of a school.

A request with parameters makes a dataset too (``on_request``): it has the same layout in the
bucket, under a name that says what was requested.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import quote

import orjson

from xporter_bridge.datasets.date_placeholders import filled, has_marks
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.datasets.timetable import Timetable
from xporter_bridge.xporter import scopes
from xporter_bridge.xporter.endpoints import Endpoint


@dataclass(frozen=True)
class Dataset:
    """One endpoint of one school as we keep it.

    ``leave_out`` and ``allow`` hold field names in lower case, by table in lower case.
    """

    name: str
    endpoint: Endpoint
    options: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    leave_out: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    allow: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    drift: str = "evolve"
    limits: HoldLimits = HoldLimits()  # noqa: RUF009 - frozen
    timetable: Timetable | None = None

    @property
    def database(self) -> str:
        """The database of Xporter whose change makes this dataset due."""
        return self.endpoint.database

    @property
    def is_rolling(self) -> bool:
        """Tell whether a parameter still holds a date to be filled in."""
        return has_marks(self.parameters)

    @property
    def fingerprint(self) -> str:
        """What a change-set chain belongs to: another fingerprint is another chain.

        Xporter computes change sets for exactly these options and parameters (xporter-api.md
        5.5); the fields left out are ours, and changing them changes every row we keep.
        """
        identity = {
            "endpoint": self.endpoint.name,
            "options": sorted(option.casefold() for option in self.options),
            "parameters": {k.casefold(): v for k, v in self.parameters.items()},
            "leave_out": {table: sorted(names) for table, names in self.leave_out.items()},
            "allow": {table: sorted(names) for table, names in self.allow.items()},
        }
        document = orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(document).hexdigest()[:32]

    def covered_by(self, granted: Iterable[str]) -> bool:
        """Tell whether a school's scopes allow this dataset."""
        return scopes.covers(granted, self.endpoint.scope)

    def leaves_out_any(self, columns: Mapping[str, Iterable[str]]) -> bool:
        """Tell whether any of these columns, by table, must not be stored."""
        return any(
            name.casefold() in self.leave_out.get(table.casefold(), ())
            for table, names in columns.items()
            for name in names
        )

    def key_of(self, table: str) -> str:
        """Return the field that identifies a row of the table; ``Id`` for an unknown table."""
        for name, facts in self.endpoint.tables.items():
            if name.casefold() == table.casefold():
                return facts.key
        return "Id"

    def request(self) -> tuple[str, dict[str, str]]:
        """Return the path below the school and the query that ask Xporter for this dataset.

        They are the same for every page of a chain: Xporter's ``NextPage`` repeats none of them
        (xporter-api.md 5.4). An ``id`` that an endpoint cannot do without stands in the path.
        """
        query = dict(self.parameters)
        path = self.endpoint.resource
        if self.endpoint.has_id_in_path:
            path += f"/{quote(query.pop('id'), safe='')}"
        if self.options:
            query["options"] = ",".join(self.options)
        return path, query

    def definition(self) -> dict[str, Any]:
        """Return what recreates an on-request dataset: endpoint, options and parameters."""
        return {
            "endpoint": self.endpoint.name,
            "options": list(self.options),
            "parameters": dict(self.parameters),
        }

    def definition_on(self, today: date) -> dict[str, Any] | None:
        """Return what recreates the dataset of that day; None for one that the name recreates."""
        return self.on(today).definition() if self.is_rolling else None

    def on(self, today: date) -> Dataset:
        """Return the dataset of that day, week or month; itself when nothing rolls."""
        if not self.is_rolling:
            return self
        parameters = filled(self.parameters, today)
        return with_parameters(self, self.name, self.options, parameters)


def with_parameters(
    base: Dataset, prefix: str, options: Iterable[str], parameters: Mapping[str, str]
) -> Dataset:
    """Return the dataset that keeps what ``base`` keeps, asked for with these parameters.

    Its name begins with ``prefix`` and holds the dates asked for, so that a reader finds
    "attendance on 2026-11-20". Other parameters and new options may name a pupil, so the name
    holds a digest of them.

    Raises:
        RequestRejectedError: 400, naming what the endpoint does not accept.
    """
    endpoint = base.endpoint
    options = tuple(dict.fromkeys(options))
    checked = endpoint.check(options, parameters)
    dates = [v for k, v in checked.items() if endpoint.parameters[k].format == "date"]
    # Of dates that may be left out, the digest says which they are.
    others = {
        name: value if endpoint.parameters[name].format != "date" else ""
        for name, value in checked.items()
        if endpoint.parameters[name].format != "date" or name not in endpoint.mandatory
    }
    parts = [prefix, *dates]
    if others or options != base.options:
        named = orjson.dumps([sorted(options), others], option=orjson.OPT_SORT_KEYS)
        parts.append(hashlib.sha256(named).hexdigest()[:8])
    return replace(base, name="-".join(parts), options=options, parameters=checked)
