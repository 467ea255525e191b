"""The environment of ``receive_authentication``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    authentication_token_secret_arn: str
    authentication_queue_url: str
    transit_key_id: str
