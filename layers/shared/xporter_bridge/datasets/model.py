"""The datasets we keep of every school: configured endpoints with their options and parameters.

``datasets.toml`` beside this module names them. A pull with parameters that the company's own
software asks for is a dataset too, made by ``on_request``: it lives in the same layout, under a
name that says what was asked.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import orjson

from xporter_bridge.datasets.date_placeholders import filled, has_marks
from xporter_bridge.datasets.timetable import Timetable
from xporter_bridge.errors import ConfigurationError, RequestRejectedError
from xporter_bridge.pulls.hold import HoldLimits
from xporter_bridge.xporter import endpoints as catalogue
from xporter_bridge.xporter import scopes
from xporter_bridge.xporter.endpoints import Endpoint

_DRIFT = ("evolve", "discard", "freeze")
_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,99}$")


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
        return on_request(self.endpoint, self.options, filled(self.parameters, today), base=self)


def on_request(
    endpoint: Endpoint,
    options: Iterable[str],
    parameters: Mapping[str, str],
    *,
    base: Dataset | None = None,
) -> Dataset:
    """Return the dataset that a request with these parameters makes.

    Its name holds the dates asked for, so that a reader finds "attendance on 2026-11-20", and a
    digest of any other parameter or option, because those may name a pupil.

    Raises:
        RequestRejectedError: 400, naming what the endpoint does not accept.
    """
    options = tuple(dict.fromkeys(options))
    checked = endpoint.check(options, parameters)
    dates = [v for k, v in checked.items() if endpoint.parameters[k].format == "date"]
    # Of dates that may be left out, the digest says which they are.
    others = {
        name: value if endpoint.parameters[name].format != "date" else ""
        for name, value in checked.items()
        if endpoint.parameters[name].format != "date" or name not in endpoint.mandatory
    }
    if base is None and not checked and not options:
        raise RequestRejectedError(400, f"{endpoint.name} without parameters is a dataset")
    parts = [base.name if base else endpoint.name, *dates]
    if others or (options and base is None):
        named = orjson.dumps([sorted(options), others], option=orjson.OPT_SORT_KEYS)
        parts.append(hashlib.sha256(named).hexdigest()[:8])
    name = "-".join(parts)
    made = base or closest(name, endpoint, configured().values())
    return replace(made, name=name, endpoint=endpoint, options=options, parameters=checked)


def redefined(name: str, definition: Mapping[str, Any]) -> Dataset:
    """Return the on-request dataset that was stored with this definition."""
    endpoint = catalogue.find(definition["endpoint"])
    return replace(
        closest(name, endpoint, configured().values()),
        name=name,
        endpoint=endpoint,
        options=tuple(definition["options"]),
        parameters=dict(definition["parameters"]),
    )


@cache
def configured() -> Mapping[str, Dataset]:
    """Return the enabled datasets of ``datasets.toml`` by name."""
    return parse(files(__package__).joinpath("datasets.toml").read_text(encoding="utf-8"))


def of_database(database: str) -> list[Dataset]:
    """Return the configured datasets that a change of the database makes due."""
    return [
        dataset
        for dataset in configured().values()
        if dataset.database.casefold() == database.casefold()
    ]


def parse(text: str) -> Mapping[str, Dataset]:
    """Return the enabled datasets that a configuration text names.

    Raises:
        ConfigurationError: Saying which entry is wrong and what it may be.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"datasets.toml: {error}") from error
    found = {}
    for name, entry in document.get("datasets", {}).items():
        if entry.get("enabled", True):
            try:
                found[name] = _dataset(name, entry, document.get("hold", {}))
            except (RequestRejectedError, KeyError, TypeError, ValueError) as error:
                raise ConfigurationError(f"datasets.toml, {name}: {error}") from error
    return found


def _dataset(name: str, entry: Mapping[str, Any], hold: Mapping[str, Any]) -> Dataset:
    if not _NAME.match(name):
        raise ValueError("a name is lower-case letters, digits, dots, dashes and underscores")
    endpoint = catalogue.find(entry["endpoint"])
    drift = entry.get("drift", "evolve")
    if drift not in _DRIFT:
        raise ValueError(f"drift must be one of {', '.join(_DRIFT)}")
    dataset = Dataset(
        name=name,
        endpoint=endpoint,
        options=tuple(entry.get("options", ())),
        parameters=dict(entry.get("parameters", {})),
        leave_out=_fields(entry.get("leave_out", {})),
        allow=_fields(entry.get("allow", {})),
        drift=drift,
        limits=HoldLimits.read({**hold, **entry.get("hold", {})}),
        timetable=Timetable.read(entry),
    )
    endpoint.check(dataset.options, filled(dataset.parameters, date(2026, 1, 1)))
    for table in endpoint.tables.values():
        if table.key.casefold() in dataset.leave_out.get(table.name.casefold(), ()):
            raise ValueError(f"{table.name} cannot be kept without {table.key}, its identity")
    return dataset


def closest(name: str, endpoint: Endpoint, among: Iterable[Dataset]) -> Dataset:
    """Return a dataset that keeps no more of the endpoint than those that are configured for it.

    One day of a rolling dataset, as its name tells, is kept just like that one. Anything else
    leaves out whatever any of them leaves out, and allows only what all of them allow.
    """
    alike = [
        dataset
        for dataset in among
        if dataset.endpoint.resource.casefold() == endpoint.resource.casefold()
    ]
    rolled = [each for each in alike if each.is_rolling and name.startswith(f"{each.name}-")]
    if rolled:
        return max(rolled, key=lambda dataset: len(dataset.name))
    if alike:
        return replace(alike[0], leave_out=_all_left_out(alike), allow=_all_allowed(alike))
    return Dataset(name=name, endpoint=endpoint)


def _all_left_out(alike: Iterable[Dataset]) -> dict[str, frozenset[str]]:
    left_out: dict[str, frozenset[str]] = {}
    for dataset in alike:
        for table, names in dataset.leave_out.items():
            left_out[table] = left_out.get(table, frozenset()) | names
    return left_out


def _all_allowed(alike: Sequence[Dataset]) -> dict[str, frozenset[str]]:
    return {
        table: frozenset.intersection(*(each.allow.get(table, frozenset()) for each in alike))
        for table in alike[0].allow
    }


def _fields(entry: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    return {
        table.casefold(): frozenset(name.casefold() for name in names)
        for table, names in entry.items()
    }
