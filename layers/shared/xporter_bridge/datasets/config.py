"""Reads datasets.toml, the configuration of the datasets that are pulled from every school."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from xporter_bridge.datasets.date_placeholders import filled
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.on_request import redefined
from xporter_bridge.datasets.profile import EVERYTHING, Profile, fields_of, left_out, profile_of
from xporter_bridge.datasets.timetable import Timetable
from xporter_bridge.errors import ConfigurationError, RequestRejectedError
from xporter_bridge.xporter import endpoints as catalogue

# A company's own datasets, which a build puts beside datasets.toml (docs/parameters.md).
COMPANY_FILE = "company.toml"
_DRIFT = ("evolve", "discard", "freeze")
_KEYS = {
    "endpoint", "options", "parameters", "leave_out", "keep", "allow", "drift", "enabled", "hold",
    "every_minutes", "between", "days", "terms",
}  # fmt: skip


class NamesDataset(Protocol):
    """A record about a dataset. Only a dataset made on request has a ``definition``."""

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        ...

    @property
    def definition(self) -> Mapping[str, Any] | None:
        """The definition of a dataset made on request; None for a configured dataset."""
        ...


class DatasetConfig(Mapping[str, Dataset]):
    """The configured datasets by name.

    A handler reads the configuration once and passes it on. No other module reads it.
    """

    def __init__(self, datasets: Mapping[str, Dataset], field_profile: str = EVERYTHING) -> None:
        self._datasets = dict(datasets)
        self.field_profile = field_profile

    def __getitem__(self, name: str) -> Dataset:
        return self._datasets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)

    def of_database(self, database: str) -> list[Dataset]:
        """Return the datasets that must be pulled after a change of the database."""
        name = database.casefold()
        return [each for each in self.values() if each.database.casefold() == name]

    def dataset_of(self, record: NamesDataset) -> Dataset | None:
        """Return the dataset of the record; None if the dataset is no longer configured.

        A dataset that was made on request is recreated from its definition. If its endpoint is
        no longer in the catalogue, the result is None.
        """
        if not record.definition:
            return self.get(record.dataset)
        try:
            return redefined(record.dataset, record.definition, self.values(), self.field_profile)
        except RequestRejectedError:
            return None

    def database_of(self, record: NamesDataset) -> str:
        """Return the name of Xporter's database behind the dataset, or "unknown"."""
        dataset = self.dataset_of(record)
        return (dataset and dataset.database) or "unknown"


@cache
def configured(field_profile: str = EVERYTHING) -> DatasetConfig:
    """Return the enabled datasets of the files beside this module. Only handlers call this.

    Args:
        field_profile: The parameter ``FieldProfile``.
    """
    company = files(__package__).joinpath(COMPANY_FILE)
    own = company.read_text("utf-8") if company.is_file() else ""
    return parse(shipped_text(), own, field_profile)


def shipped_text() -> str:
    """Return ``datasets.toml``, the configuration of the product."""
    return files(__package__).joinpath("datasets.toml").read_text(encoding="utf-8")


def parse(text: str, company: str = "", field_profile: str = EVERYTHING) -> DatasetConfig:
    """Return the enabled datasets that a configuration text names, and those of a company's own.

    Raises:
        ConfigurationError: An entry is wrong; the error names it and the allowed values.
    """
    return read(_document(text), _document(company), field_profile)


def read(
    shipped: Mapping[str, Any], company: Mapping[str, Any], field_profile: str = EVERYTHING
) -> DatasetConfig:
    """Return the enabled datasets of two documents.

    Args:
        company: Each key of its ``hold``, and of its entry of a dataset, replaces that key of
            ``shipped``; the other keys stay.
        field_profile: ``minimal`` leaves out the columns of ``minimal.toml`` as well, unless the
            dataset says ``keep``; ``all`` does not.

    Raises:
        ConfigurationError: As for ``parse``.
    """
    document = _merged(shipped, company)
    found, profile = {}, profile_of(field_profile)
    for name, entry in document.get("datasets", {}).items():
        if entry.get("enabled", True):
            try:
                found[name] = _dataset(name, entry, document.get("hold", {}), profile)
            except (RequestRejectedError, KeyError, TypeError, ValueError) as error:
                raise ConfigurationError(f"datasets.toml, {name}: {error}") from error
    return DatasetConfig(found, field_profile)


def _document(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"datasets.toml: {error}") from error


def _merged(shipped: Mapping[str, Any], company: Mapping[str, Any]) -> dict[str, Any]:
    unknown = {*shipped, *company} - {"hold", "datasets"}
    if unknown:
        raise ConfigurationError(f"datasets.toml: there is no key {min(unknown)!r}")
    datasets = dict(shipped.get("datasets", {}))
    for name, entry in company.get("datasets", {}).items():
        datasets[name] = {**datasets.get(name, {}), **entry}
    return {"hold": {**shipped.get("hold", {}), **company.get("hold", {})}, "datasets": datasets}


def _dataset(
    name: str, entry: Mapping[str, Any], hold: Mapping[str, Any], profile: Profile
) -> Dataset:
    if not _NAME.match(name):
        raise ValueError("a name is lower-case letters, digits, dots, dashes and underscores")
    unknown = set(entry) - _KEYS
    if unknown:  # a misspelt leave_out would store what must not be stored
        raise ValueError(f"there is no key {min(unknown)!r}")
    endpoint = catalogue.find(entry["endpoint"])
    drift = entry.get("drift", "evolve")
    if drift not in _DRIFT:
        raise ValueError(f"drift must be one of {', '.join(_DRIFT)}")
    dataset = Dataset(
        name=name,
        endpoint=endpoint,
        options=tuple(entry.get("options", ())),
        parameters=dict(entry.get("parameters", {})),
        leave_out=left_out(
            endpoint.name,
            fields_of(entry.get("leave_out", {})),
            fields_of(entry.get("keep", {})),
            profile,
        ),
        allow=fields_of(entry.get("allow", {})),
        drift=drift,
        limits=HoldLimits.read({**hold, **entry.get("hold", {})}),
        timetable=Timetable.read(entry),
    )
    endpoint.check(dataset.options, filled(dataset.parameters, date(2026, 1, 1)))
    for table in endpoint.tables.values():
        if table.key.casefold() in dataset.leave_out.get(table.name.casefold(), ()):
            raise ValueError(f"{table.name} cannot be kept without {table.key}, its identity")
    return dataset


_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,99}$")
