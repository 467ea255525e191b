"""The environment of ``watch_deadlines``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xporter_bridge.settings import from_env


@dataclass(frozen=True)
class Settings:
    """One field per variable, in lower case."""

    schools_table: str
    datasets_table: str
    operations_table: str
    event_bus: str
    authentication_queue_url: str
    pull_queue_url: str
    erasure_queue_url: str
    availability_request_queue_url: str
    writeback_queue_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings.

        Raises:
            ConfigurationError: Naming every missing variable.
        """
        return from_env(cls, env)
