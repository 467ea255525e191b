"""The environment of ``render_widget``."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.datasets.profile import EVERYTHING
from xporter_bridge.settings import EnvironmentSettings


@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    """One field per variable, in lower case."""

    schools_table: str
    datasets_table: str
    field_profile: str = EVERYTHING
