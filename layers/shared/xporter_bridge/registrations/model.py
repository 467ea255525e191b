"""Which database webhooks a school should have, and which of them must be made now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, fingerprint, sign
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.schools.model import Registration

# Nothing promises that Xporter keeps a registration for ever, so each is renewed (13.10).
RENEW_AFTER = timedelta(days=7)
LOOK_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class DesiredRegistration:
    """A webhook that Xporter should hold."""

    database: str
    url: str

    @property
    def url_fingerprint(self) -> str:
        """The digest of the URL that is recorded."""
        return fingerprint(self.url)


def desired(
    estab: str,
    granted: Iterable[str],
    datasets: Iterable[Dataset],
    *,
    base_url: str,
    keys: Sequence[SigningKey],
) -> list[DesiredRegistration]:
    """Return one registration per database of the datasets that the scopes allow."""
    granted = tuple(granted)
    databases = sorted({each.database for each in datasets if each.covered_by(granted)})
    return [
        DesiredRegistration(
            database,
            sign(CallbackKind.DATABASE, estab, database, base_url=base_url, keys=keys),
        )
        for database in databases
    ]


def missing(
    wanted: Iterable[DesiredRegistration],
    recorded: Mapping[str, Registration],
    now: datetime,
) -> list[DesiredRegistration]:
    """Return the wanted webhooks that are not registered, have another URL or key, or are old.

    A moved domain and a rotated key both change the URL, so its fingerprint shows either.
    """
    return [
        each
        for each in wanted
        if each.database not in recorded
        or recorded[each.database].url_fingerprint != each.url_fingerprint
        or recorded[each.database].registered_at + RENEW_AFTER <= now
    ]


def next_due(estab: str, now: datetime) -> datetime:
    """Return when to look at the school's registrations again: daily, spread over four hours.

    25,000 schools must not be looked at in the same minute, today or on any later day.
    """
    jitter = int.from_bytes(hashlib.sha256(estab.encode()).digest()[:2]) % 240
    return now + LOOK_EVERY - timedelta(minutes=jitter)
