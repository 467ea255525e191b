"""Reads datasets.toml: which datasets are kept of every school."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from xporter_bridge.datasets.date_placeholders import filled
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import Timetable
from xporter_bridge.errors import ConfigurationError, RequestRejectedError
from xporter_bridge.xporter import endpoints as catalogue

_DRIFT = ("evolve", "discard", "freeze")


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


def _fields(entry: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    return {
        table.casefold(): frozenset(name.casefold() for name in names)
        for table, names in entry.items()
    }


_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,99}$")
