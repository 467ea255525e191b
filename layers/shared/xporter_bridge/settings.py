"""Reads typed settings from the environment, and names every missing variable at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Self

from xporter_bridge.errors import ConfigurationError


@dataclass(frozen=True)
class EnvironmentSettings:
    """Settings of a function: one field per environment variable, in lower case."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings from the variables, which have the fields' names in upper case.

        A field whose annotation is ``int`` or ``float`` is converted. An empty variable counts as
        missing, because the template writes an empty string for an unset parameter.

        Raises:
            ConfigurationError: Variables are missing or unreadable; the error names all of them.
        """
        values: dict[str, Any] = {}
        faults: list[str] = []
        for field in fields(cls):
            variable = field.name.upper()
            text = env.get(variable, "")
            if text:
                try:
                    values[field.name] = _convert(field, text)
                except ValueError:
                    faults.append(f"{variable} is not of type {field.type}")
            elif field.default is MISSING:
                faults.append(f"{variable} is missing")
        if faults:
            raise ConfigurationError("; ".join(faults))
        return cls(**values)


def _convert(field: Field[Any], text: str) -> Any:
    # Annotations are strings under postponed evaluation, which every settings module uses.
    if field.type == "int":
        return int(text)
    if field.type == "float":
        return float(text)
    return text
