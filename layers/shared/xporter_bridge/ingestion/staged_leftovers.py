"""The staged objects of a dataset that its item will not name again, and their deletion."""

from __future__ import annotations

from collections.abc import Collection

from xporter_bridge import telemetry
from xporter_bridge.errors import TransientError
from xporter_bridge.snapshots.layout import staging_prefix
from xporter_bridge.snapshots.store import SnapshotStore


class StagedLeftovers:
    """The pulls of one dataset whose staged objects are to be deleted.

    They are deleted last of all: a failure to delete must change nothing, and the bucket's life
    cycle deletes what stays.

    Args:
        store: A store that knows what is staged through it (``SnapshotStore.for_one_pull``).
    """

    def __init__(self, store: SnapshotStore, estab: str, dataset: str) -> None:
        self._store = store
        self._estab, self._dataset = estab, dataset
        self._pulls: set[str] = set()
        self._begun_here: set[str] = set()
        self._has_unknown = False

    def add(self, *pull_ids: str | None) -> None:
        """Note pulls whose staged objects nobody needs after the next write; none if empty."""
        self._pulls.update(each for each in pull_ids if each)

    def add_unknown(self) -> None:
        """Note whatever else is staged: what a dead holder has staged, no item may have named."""
        self._has_unknown = True

    def note_begun(self, pull_id: str) -> None:
        """Note a pull that began here: nobody else has staged anything for it."""
        self._begun_here.add(pull_id)

    def delete(self, needed: Collection[str]) -> None:
        """Delete what was noted, except for the pulls that are needed.

        What began here is known by its keys; all else is listed.
        """
        try:
            for pull_id in sorted(self._pulls.difference(needed)):
                is_known = pull_id in self._begun_here
                delete = self._store.delete_staged_here if is_known else self._store.delete_staged
                delete(self._prefix(pull_id))
            if self._has_unknown:
                keep = tuple(self._prefix(each) for each in needed if each)
                self._store.delete_staged(self._prefix(), keep)
        except TransientError as error:
            names = {"estab": self._estab, "dataset": self._dataset}
            telemetry.warn("leftovers_stay", **names, reason=error.reason)

    def _prefix(self, pull_id: str = "") -> str:
        return staging_prefix(self._estab, self._dataset, pull_id)
