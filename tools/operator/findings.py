"""The facts that a diagnosis reads, and its findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

View = Mapping[str, Any]
# States of datasets of which there is no data, and of schools that are pulled.
WITHOUT_DATA = frozenset({"not_covered", "erased"})
PULLED = frozenset({"installed", "live"})


class Code(StrEnum):
    """The possible problems of a school."""

    PAUSED = "paused"
    REVOKED = "revoked"
    SCOPE_MISSING = "scope_missing"
    XPORTER_FAILING = "xporter_failing"
    MIS_NOT_REFRESHED = "mis_not_refreshed"
    WEBHOOK_LOST = "webhook_lost"
    OUR_FAULT = "our_fault"
    HELD = "held"
    FLEET_BREAKER = "fleet_breaker"
    NEVER_AUTHORISED = "never_authorised"
    ERASED = "erased"
    NONE = "none"


@dataclass(frozen=True)
class Finding:
    """One problem of a school: ``says`` describes it, ``do`` is the next step of a person."""

    code: Code
    says: str
    do: str


@dataclass(frozen=True)
class Facts:
    """The facts that a diagnosis reads.

    ``school`` is the API's view, None for a school that it does not know. ``heard_at`` says by
    dataset when the latest callback came that announced it; None where that could not be read.
    ``breaker_opened_at`` is when the pulls of all schools were held back; None if they are not.
    """

    estab: str
    school: View | None
    now: datetime
    heard_at: Mapping[str, datetime] | None = None
    breaker_opened_at: datetime | None = None


def time_of(text: Any) -> datetime | None:
    """Return a time of the API; None where it says none."""
    return datetime.fromisoformat(str(text)) if text else None


def said(time: Any) -> str:
    """Return a time as a person reads it: to the minute, in UTC; empty where there is none."""
    at = time if isinstance(time, datetime) else time_of(time)
    return f"{at.day} {at:%b %Y %H:%M}" if at else ""


def listed(names: Iterable[Any]) -> str:
    """Return names in order, each once."""
    return ", ".join(sorted({str(name) for name in names}))
