"""The environment of ``settle_writeback``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    operations_table: str
    audit_table: str
    audit_days: int
    event_bus: str
    outcome_dead_letter_queue_url: str
