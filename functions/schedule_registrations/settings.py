"""The environment of ``schedule_registrations``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    schools_table: str
    registration_queue_url: str
