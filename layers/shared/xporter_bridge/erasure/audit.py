"""What the audit trail says of erasures."""

from __future__ import annotations

import re
from datetime import datetime

from xporter_bridge.audit.model import ITSELF, AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.erased_people import PersonTombstone
from xporter_bridge.schools.model import School
from xporter_bridge.timestamps import iso, iso_or_none

_WORD = re.compile(r"[a-z_]{1,40}")


def note_school_erased(school: School, trail: AuditTrail, now: datetime) -> None:
    """Note that nothing of a school is left.

    Raises:
        TransientError: Nothing is noted; the erasure has to be carried out again.
    """
    requested_at = iso_or_none(school.erasure_requested_at) or ""
    about = {"requested_at": requested_at}
    trail.add(AuditEntry(school.estab, now, requested_at, "eraseSchool", "erased", ITSELF, about))


def note_dataset_erased(item: DatasetRecord, reason: str, trail: AuditTrail, now: datetime) -> None:
    """Note that nothing of a dataset is left; errors are those of ``note_school_erased``.

    Args:
        reason: A stable word; a person's own words are not noted.
    """
    said = {"reason": reason} if _WORD.fullmatch(reason) else {}
    about = {"dataset": item.dataset, **said}
    id_ = f"{item.dataset}-{item.published.sequence}"
    trail.add(AuditEntry(item.estab, now, id_, "eraseDataset", "erased", ITSELF, about))


def note_person_erased(
    estab: str, person: PersonTombstone, trail: AuditTrail, now: datetime
) -> None:
    """Note that what was stored of a person is deleted; errors are those of ``note_school_erased``.

    The person is the digest of the tombstone.
    """
    requested_at = iso(person.requested_at)
    about = {"erasure": person.digest, "requested_at": requested_at}
    id_ = f"{person.digest}-{requested_at}"
    trail.add(AuditEntry(estab, now, id_, "erasePerson", "erased", ITSELF, about))


def note_end(
    school: School, step: str, about: dict[str, str], trail: AuditTrail, now: datetime
) -> None:
    """Note a step towards the end of a school; errors are those of ``note_school_erased``.

    Args:
        step: ``announced``, ``withdrawn`` or ``asked``, which is followed by the erasure.
    """
    id_ = about.get("announced_at") or iso(now)
    trail.add(AuditEntry(school.estab, now, id_, "endSchool", step, ITSELF, about))
