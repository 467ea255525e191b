"""The tombstone that is left of an erased school or dataset. It holds nobody's data."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge.pulls.model import changed_event
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.credentials import ErasedSecrets
from xporter_bridge.schools.history import ENDED
from xporter_bridge.schools.model import School, change_state, unproved_until
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.timestamps import iso

# How long the last manifest of a temporary dataset tells readers that the data was erased.
_TOMBSTONE = timedelta(days=30)


def begun(
    school: School, now: datetime, erased: ErasedSecrets | None = None, cause: str = ""
) -> School:
    """Return the school as its record stands once its erasure was requested.

    The data key is deleted at once, so that nothing sealed by the key can be opened, except from
    backups of the table. The school has no credentials and cannot be pulled: Xporter is sent no
    further request for it. A school that is already erased is returned unchanged.

    Args:
        erased: What is kept of its secrets, to refuse them; what is kept already, if not given.
        cause: Why, if no person requested the erasure.
    """
    if school.state is SchoolState.ERASED:
        return school
    return replace(
        _bare(school),
        cause=cause or school.cause,
        erasure_requested_at=school.erasure_requested_at or now,
        erased_secrets=erased or school.erased_secrets,
    )


def finished(school: School, now: datetime) -> School:
    """Return the tombstone; only of a school that is being erased.

    It is announced, and stays, unless nobody was ever told of the school: of one that was never
    proved, which may be a stranger's invention, the tombstone expires as the school would have.
    """
    if not school.is_being_erased:
        return school
    if school.state is SchoolState.INVITED:
        ended = replace(_bare(school), state=SchoolState.ERASED, state_since=now)
        return replace(ended, cause="erased_on_request", expires_at=unproved_until(now))
    cause = ENDED if school.cause == ENDED else "erased_on_request"
    ended = change_state(_bare(school), SchoolState.ERASED, cause, now)
    return replace(ended, history=())


def cleared(school: School, now: datetime) -> School:
    """Return the school without what a callback or a late writer has put back meanwhile.

    Only of a school that is being erased or has been; any other stays as it is.
    """
    if school.is_being_erased:
        return begun(school, now)
    return _bare(school) if school.state is SchoolState.ERASED else school


def secrets_of(school: School) -> tuple[str, tuple[bytes, ...]]:
    """Return a value that changes with the school's secrets, and not with a renewed token."""
    held = school.credentials
    return (held.secret_digest, held.pending) if held else ("", ())


def _bare(school: School) -> School:
    return School(
        school.estab,
        state=school.state,
        state_since=school.state_since,
        cause=school.cause,
        erased_secrets=school.erased_secrets,
        erased_people=school.erased_people,
        expires_at=school.expires_at,
        outbox=school.outbox,
        version=school.version,
    )


def is_erased(item: DatasetRecord) -> bool:
    """Tell whether the dataset's data is erased and nothing has been pulled since."""
    made = item.published.manifest
    return made is not None and made.erased is not None and not item.erasing


def erased_manifest(item: DatasetRecord, reason: str, now: datetime) -> Manifest:
    """Return the manifest that tells readers to forget the dataset: one more, without tables."""
    return Manifest(
        item.estab,
        item.dataset,
        item.published.sequence + 1,
        pull_id=None,
        as_of=now,
        completed_at=now,
        stale=False,
        requested_changed_rows=None,
        next_changed_rows=None,
        erased={"at": iso(now), "reason": reason},
    )


def without_data(item: DatasetRecord, last: Manifest, reason: str, now: datetime) -> DatasetRecord:
    """Return the dataset after its data is gone, with the event that says so."""
    event = changed_event(last, now)
    erased = item.erased(last, reason, until=now + _TOMBSTONE)
    return replace(erased, outbox=(*item.outbox, event.document()))
