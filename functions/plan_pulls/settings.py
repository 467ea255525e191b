"""The environment of ``plan_pulls``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    schools_table: str
    datasets_table: str
    pull_queue_url: str
    database_dead_letter_queue_url: str
    field_profile: str = EVERYTHING
