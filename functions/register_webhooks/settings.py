"""The environment of ``register_webhooks``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xporter_bridge.settings import from_env


@dataclass(frozen=True)
class Settings:
    """One field per variable, in lower case."""

    xporter_url: str
    relying_party: str
    callback_base_url: str
    callback_key_secret_arn: str
    schools_table: str
    datasets_table: str
    school_key_id: str
    registration_queue_url: str
    pull_queue_url: str
    erasure_queue_url: str
    registration_dead_letter_queue_url: str
    scope_removal_seconds: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings.

        Raises:
            ConfigurationError: Naming every missing variable.
        """
        return from_env(cls, env)
