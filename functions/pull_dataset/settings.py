"""The environment of ``pull_dataset``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.schools.session_settings import SessionSettings


@dataclass(frozen=True)
class Settings(SessionSettings):
    """Beside those of the session, one field per variable."""

    datasets_table: str
    bucket: str
    staging_bucket: str
    event_bus: str
    keep_days: int
    concurrent_pulls: int
    formats: str
    pull_queue_url: str
    pull_dead_letter_queue_url: str
    field_profile: str = EVERYTHING
