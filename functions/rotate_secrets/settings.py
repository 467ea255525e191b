"""The environment of ``rotate_secrets``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    schools_table: str
    audit_table: str
    audit_days: int
    callback_key_secret_arn: str
    authentication_token_secret_arn: str
    availability_deadline_seconds: int
    outcome_deadline_seconds: int
