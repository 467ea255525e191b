"""The environment of ``watch_deadlines``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
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
    ended_school_days: int
    field_profile: str = EVERYTHING
