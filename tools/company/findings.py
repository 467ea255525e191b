"""What is wrong at which line of a configuration: pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One line that a person should look at.

    A finding that is not ``wrong`` is a doubt: the deployment would work, perhaps not as meant.
    """

    file: str
    line: int
    says: str
    do: str
    wrong: bool = True


_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([\w.\"'-]+)\s*=")


def line_of(text: str, path: Sequence[str], value: str = "") -> int:
    """Return the line, from 1, that declares a key of a TOML text.

    Args:
        path: The key and those above it. If the text spells them otherwise, as in a table that
            stands in one line, the nearest key above that has a line is meant.
        value: What stands in the key's value, if the value may go on over several lines.
    """
    best, line = 0, 1
    for number, declared in _declared(text):
        length = len(declared)
        if best < length <= len(path) and declared == list(path[:length]):
            best, line = length, number
    if value:
        for number, content in enumerate(text.splitlines()[line - 1 :], line):
            if re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", content):
                return number
    return line


def syntax_error(text: str, error: tomllib.TOMLDecodeError) -> int:
    """Return the line of a syntax error; Python says "at end of document" for the last."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else max(1, len(text.splitlines()))


def table(document: Any, *path: str) -> dict[str, Any]:
    """Return a table inside a document; empty if there is none, or something else."""
    for key in path:
        document = document.get(key, {}) if isinstance(document, dict) else {}
    return document if isinstance(document, dict) else {}


def _declared(text: str) -> Iterator[tuple[int, list[str]]]:
    above: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            above = _parts(header[1])
            yield number, above
        elif key := _KEY.match(line):
            yield number, above + _parts(key[1])


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
