"""Reads a lock file as uv writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PACKAGE = re.compile(
    r"(?m)^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\\n]+)(?P<rest>.*(?:\n[ #].*)*)"
)
_REQUIRED_BY = re.compile(r"(?m)^    #(?: via|  ) +(?P<name>[A-Za-z0-9._-]+)$")


@dataclass(frozen=True)
class Locked:
    """One package of a lock.

    Attributes:
        name: Normalised, as a package URL has it.
        required_by: Names of the packages of the same lock that need the package.
        is_direct: Whether the lock's ``.in`` file names the package.
    """

    name: str
    version: str
    required_by: tuple[str, ...]
    is_direct: bool


def read_lock(text: str) -> list[Locked]:
    """Return the packages of a lock file, by name."""
    found = [
        Locked(
            normalised(each["name"]),
            each["version"],
            tuple(normalised(name) for name in _REQUIRED_BY.findall(each["rest"])),
            " -r " in each["rest"],
        )
        for each in _PACKAGE.finditer(text)
    ]
    return sorted(found, key=lambda package: package.name)


def normalised(name: str) -> str:
    """Return a package's name in the one form that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()
