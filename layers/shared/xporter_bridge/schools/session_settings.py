"""Makes ``SchoolSessions`` from the environment of a function that calls Xporter."""

from __future__ import annotations

from dataclasses import dataclass

from xporter_bridge.aws.clients import client
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.settings import EnvironmentSettings
from xporter_bridge.xporter.client import DATA_SECONDS, XporterApi


@dataclass(frozen=True)
class SessionSettings(EnvironmentSettings):
    """The settings of a function that calls Xporter for a school."""

    xporter_url: str
    relying_party: str
    schools_table: str
    school_key_id: str


def school_sessions(
    settings: SessionSettings, *, data_seconds: float = DATA_SECONDS
) -> SchoolSessions:
    """Return the sessions of schools at Xporter.

    Args:
        data_seconds: How long an answer with data may take.
    """
    return SchoolSessions(
        SchoolRepository(client("dynamodb"), settings.schools_table),
        SchoolVault(client("kms"), settings.school_key_id),
        XporterApi(settings.xporter_url, data_seconds=data_seconds),
        settings.relying_party,
    )
