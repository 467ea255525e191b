"""Datasets that a request with parameters makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xporter_bridge.datasets.model import Dataset, with_parameters
from xporter_bridge.datasets.profile import EVERYTHING, left_out, profile_of
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.xporter import endpoints as catalogue
from xporter_bridge.xporter.endpoints import Endpoint


def on_request(
    endpoint: Endpoint,
    options: Iterable[str],
    parameters: Mapping[str, str],
    among: Iterable[Dataset],
    field_profile: str = EVERYTHING,
) -> Dataset:
    """Return the dataset that a request with these parameters makes.

    ``among`` are the configured datasets. The result stores no field that those of the same
    endpoint leave out; of an endpoint without a configured one, none that the profile leaves out.

    Raises:
        RequestRejectedError: 400; names the parameter that the endpoint does not accept.
    """
    options = tuple(options)
    checked = endpoint.check(options, parameters)
    if not checked and not options:
        raise RequestRejectedError(400, f"{endpoint.name} without parameters is a dataset")
    plain = Dataset(name=endpoint.name, endpoint=endpoint)
    made = with_parameters(plain, endpoint.name, options, parameters)
    return _as_defined(made.name, endpoint, made.options, made.parameters, among, field_profile)


def redefined(
    name: str,
    definition: Mapping[str, Any],
    among: Iterable[Dataset],
    field_profile: str = EVERYTHING,
) -> Dataset:
    """Return the on-request dataset that was stored with this definition."""
    endpoint = catalogue.find(definition["endpoint"])
    options, parameters = tuple(definition["options"]), dict(definition["parameters"])
    return _as_defined(name, endpoint, options, parameters, among, field_profile)


def _as_defined(
    name: str,
    endpoint: Endpoint,
    options: tuple[str, ...],
    parameters: Mapping[str, str],
    among: Iterable[Dataset],
    field_profile: str,
) -> Dataset:
    like = closest(name, endpoint, among, field_profile)
    return replace(like, name=name, endpoint=endpoint, options=options, parameters=parameters)


def closest(
    name: str, endpoint: Endpoint, among: Iterable[Dataset], field_profile: str = EVERYTHING
) -> Dataset:
    """Return a dataset that stores no more of the endpoint than its configured datasets.

    If the name shows a day of a rolling dataset, the fields are those of the rolling dataset.
    Any other dataset leaves out a field if one of the configured datasets does, and allows a
    field only if all of them do.
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
    leave_out = left_out(endpoint.name, {}, {}, profile_of(field_profile))
    return Dataset(name=name, endpoint=endpoint, leave_out=leave_out)


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
