"""The environment of ``check_version``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    callback_key_secret_arn: str
    authentication_token_secret_arn: str
    stack_name: str
    audit_table: str
    audit_days: int
