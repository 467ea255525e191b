"""The environment of ``check_version``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xporter_bridge.settings import from_env


@dataclass(frozen=True)
class Settings:
    """One field per variable, in lower case."""

    callback_key_secret_arn: str
    authentication_token_secret_arn: str
    stack_name: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings.

        Raises:
            ConfigurationError: Naming every missing variable.
        """
        return from_env(cls, env)
