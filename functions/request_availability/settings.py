"""The environment of ``request_availability``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.schools.session_settings import SessionSettings


@dataclass(frozen=True)
class Settings(SessionSettings):
    """Beside those of the session, one field per variable."""

    callback_base_url: str
    callback_key_secret_arn: str
    datasets_table: str
    operations_table: str
    availability_request_queue_url: str
    pull_queue_url: str
    availability_request_dead_letter_queue_url: str
    availability_deadline_seconds: int
    field_profile: str = EVERYTHING
