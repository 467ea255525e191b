"""Has every dataset pulled anew, so that somebody whose tombstone was lifted comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.erased_people import ErasedPeople


def pull_anew(estab: str, people: ErasedPeople, deps: EraseDependencies) -> timedelta:
    """Break every chain, and return for how long a pull may still be under way.

    A change set would not bring the rows that have not changed since; only all rows do.
    """
    kept = {each.digest for each in people.tombstones}
    for digest in deps.certificates.of_school(estab).keys() - kept:
        deps.certificates.delete(estab, digest)
    is_waiting = [
        _break_chain(item, deps)
        for item in deps.datasets.of_school(estab)
        if item.published.manifest and not item.erasing and not item.definition
    ]
    return LEASE + timedelta(seconds=5) if any(is_waiting) else timedelta()


def _break_chain(item: DatasetRecord, deps: EraseDependencies) -> bool:
    """Have the next pull ask for all rows; return True if a pull holds the lease."""
    leased = deps.datasets.lease_to_erase(item, deps.now())
    if leased is None:
        return True
    if leased.chain.next_changed_rows:
        deps.datasets.add_demand(item.estab, item.dataset, deps.now())
    progress = replace(leased.progress, checkpoint=None)
    broken = replace(leased, chain=leased.chain.broken(), progress=progress)
    deps.datasets.save(broken.released(), deps.now())
    return False
