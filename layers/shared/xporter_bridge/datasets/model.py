"""A dataset: one endpoint of Xporter with its options and parameters, as stored for a school.

A request with parameters also makes a dataset (``on_request``). The dataset has the same layout in
the bucket; its name contains the parameters or a digest of them.
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
    """One endpoint with options, parameters and the fields to leave out.

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
        """Xporter's database behind this dataset; its database events cause a pull."""
        return self.endpoint.database

    @property
    def is_rolling(self) -> bool:
        """Tell whether a parameter contains a date placeholder."""
        return has_marks(self.parameters)

    @property
    def fingerprint(self) -> str:
        """Identifies a chain of change sets; a changed fingerprint begins a new chain.

        Xporter computes change sets for exactly these options and parameters (xporter-api.md
        5.5). The fields left out are included because they change every stored row.
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
        """Return the path below the school, and the query, of this dataset.

        Every page of a chain needs the same path and query, because Xporter's ``NextPage`` does
        not repeat them (xporter-api.md 5.4). An ``id`` that an endpoint requires is in the path.
        """
        query = dict(self.parameters)
        path = self.endpoint.resource
        if self.endpoint.has_id_in_path:
            path += f"/{quote(query.pop('id'), safe='')}"
        if self.options:
            query["options"] = ",".join(self.options)
        return path, query

    def definition(self) -> dict[str, Any]:
        """Return the definition of an on-request dataset: endpoint, options and parameters."""
        return {
            "endpoint": self.endpoint.name,
            "options": list(self.options),
            "parameters": dict(self.parameters),
        }

    def definition_on(self, today: date) -> dict[str, Any] | None:
        """Return the definition of the dataset of that day; None if the dataset does not roll."""
        return self.on(today).definition() if self.is_rolling else None

    def on(self, today: date) -> Dataset:
        """Return the dataset of that day, week or month; the dataset itself if it does not roll."""
        if not self.is_rolling:
            return self
        parameters = filled(self.parameters, today)
        return with_parameters(self, self.name, self.options, parameters)


def with_parameters(
    base: Dataset, prefix: str, options: Iterable[str], parameters: Mapping[str, str]
) -> Dataset:
    """Return the dataset with these parameters and the stored fields of ``base``.

    Its name begins with ``prefix`` and contains the requested dates, so that a reader finds
    "attendance on 2026-11-20". Other parameters may identify a pupil, so the name contains a
    digest of them and of new options.

    Raises:
        RequestRejectedError: 400; names the parameter that the endpoint does not accept.
    """
    endpoint = base.endpoint
    options = tuple(dict.fromkeys(options))
    checked = endpoint.check(options, parameters)
    dates = [v for k, v in checked.items() if endpoint.parameters[k].format == "date"]
    # The digest distinguishes optional dates, which the name does not label.
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
