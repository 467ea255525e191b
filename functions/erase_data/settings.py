"""The environment of ``erase_data``."""

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
    audit_table: str
    audit_days: int
    bucket: str
    staging_bucket: str
    event_bus: str
    school_key_id: str
    erasure_queue_url: str
    erasure_dead_letter_queue_url: str
    writeback_dead_letter_queue_url: str
    ended_school_days: int
    field_profile: str = EVERYTHING
