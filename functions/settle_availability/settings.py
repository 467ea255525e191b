"""The environment of ``settle_availability``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    datasets_table: str
    operations_table: str
    availability_request_queue_url: str
    pull_queue_url: str
    availability_dead_letter_queue_url: str
    field_profile: str = EVERYTHING
