"""The profile of stored fields: which columns are left out unless a dataset asks for them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from xporter_bridge.errors import ConfigurationError

# The values of the parameter FieldProfile. Without a value everything is stored.
MINIMAL, EVERYTHING = "minimal", "all"
# Names of columns by name of the table, all in lower case.
Fields = Mapping[str, frozenset[str]]
Profile = Mapping[str, Fields]


@cache
def minimal() -> Profile:
    """Return the columns of ``minimal.toml`` by name of the endpoint, in lower case."""
    text = files(__package__).joinpath("minimal.toml").read_text(encoding="utf-8")
    return {name.casefold(): fields_of(tables) for name, tables in tomllib.loads(text).items()}


def profile_of(name: str) -> Profile:
    """Return the columns that a profile leaves out; none for ``all``.

    Raises:
        ConfigurationError: There is no such profile: never "store everything".
    """
    if name not in {MINIMAL, EVERYTHING}:
        raise ConfigurationError(f"FieldProfile is {MINIMAL} or {EVERYTHING}, not {name!r}")
    return minimal() if name == MINIMAL else {}


def fields_of(entry: Mapping[str, list[str]]) -> Fields:
    """Return the columns of an entry of a configuration by table, in lower case."""
    return {
        table.casefold(): frozenset(name.casefold() for name in names)
        for table, names in entry.items()
    }


def left_out(endpoint: str, own: Fields, keep: Fields, profile: Profile) -> Fields:
    """Return what a dataset leaves out: its own columns, and those of the profile but ``keep``.

    Raises:
        ValueError: ``keep`` names a column that no profile leaves out: a misspelt name would not
            be kept.
    """
    offered = minimal().get(endpoint.casefold(), {})
    for table, names in keep.items():
        if unknown := names - offered.get(table, frozenset()):
            raise ValueError(f"keep: no profile leaves out {min(unknown)!r} of {table!r}")
    found = {table: set(names) for table, names in own.items()}
    for table, names in profile.get(endpoint.casefold(), {}).items():
        if more := names - keep.get(table, frozenset()):
            found.setdefault(table, set()).update(more)
    return {table: frozenset(names) for table, names in found.items()}
