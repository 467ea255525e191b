"""The environment of ``submit_writeback``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.schools.session_settings import SessionSettings


@dataclass(frozen=True)
class Settings(SessionSettings):
    """Beside those of the session, one field per variable."""

    callback_base_url: str
    callback_key_secret_arn: str
    operations_table: str
    audit_table: str
    audit_days: int
    event_bus: str
    writeback_queue_url: str
    writeback_dead_letter_queue_url: str
    outcome_deadline_seconds: int
