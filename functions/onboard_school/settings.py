"""The environment of ``onboard_school``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    xporter_url: str
    relying_party: str
    schools_table: str
    datasets_table: str
    school_key_id: str
    transit_key_id: str
    event_bus: str
    authentication_queue_url: str
    registration_queue_url: str
    pull_queue_url: str
    erasure_queue_url: str
    authentication_dead_letter_queue_url: str
    scope_removal_seconds: int
    field_profile: str = EVERYTHING
