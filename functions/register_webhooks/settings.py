"""The environment of ``register_webhooks``."""

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
    registration_queue_url: str
    pull_queue_url: str
    erasure_queue_url: str
    registration_dead_letter_queue_url: str
    scope_removal_seconds: int
    field_profile: str = EVERYTHING
