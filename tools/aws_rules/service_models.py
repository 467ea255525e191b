"""The bounds in botocore's service models: botocore itself checks types and minima only.

Maxima, patterns and enumerations are left to the service, and emulators seldom look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape


def violations(parameters: Mapping[str, Any], shape: Shape | None) -> list[str]:
    """Return where the parameters leave what the model allows, as ``path: reason``."""
    if shape is None:
        return [f"{name}: takes no parameters" for name in parameters]
    return list(_of_value(parameters, shape, ""))


def _of_value(value: Any, shape: Shape, path: str) -> Iterator[str]:
    yield from _out_of_bounds(value, shape, path)
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _of_structure(value, shape, path)
    elif isinstance(shape, ListShape) and isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _of_value(entry, shape.member, f"{path}[{number}]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _of_value(key, shape.key, f"{path}{{key}}")
            yield from _of_value(entry, shape.value, f"{path}.{key}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _of_string(value, shape, path)


def _of_structure(value: Mapping[str, Any], shape: StructureShape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name}: is required"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{path}: exactly one of {sorted(shape.members)} must be given"
    for name, entry in value.items():
        if name not in shape.members:
            yield f"{path}.{name}: is not a parameter"
        else:
            yield from _of_value(entry, shape.members[name], f"{path}.{name}")


def _out_of_bounds(value: Any, shape: Shape, path: str) -> Iterator[str]:
    size = value if isinstance(value, int | float) else _length(value)
    if size is None:
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{path}: {size} is below {least}"
    if most is not None and size > most:
        yield f"{path}: {size} is above {most}"


def _of_string(value: str, shape: StringShape, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {sorted(shape.enum)}"
    given = shape.metadata.get("pattern")
    pattern = _compiled(given) if given else None
    if pattern and not pattern.fullmatch(value):
        yield f"{path}: does not match {pattern.pattern}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return None for the few that only Java can read; nothing that we call has one."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _length(value: Any) -> int | None:
    return (
        len(value) if isinstance(value, str | bytes | bytearray | list | tuple | Mapping) else None
    )
