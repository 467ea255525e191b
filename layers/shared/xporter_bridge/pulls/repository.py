"""The datasets of every school: generations, leases, checkpoints, and the commit.

Code that requests a pull writes the attributes of ``Demand``, the lease holder all others, on
the condition that the fence is unchanged: a holder that has lost the lease cannot commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from xporter_bridge.aws.dynamodb import DynamoTable, Item, reschedule_watch, watch_attributes
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.change import ERASED_SCHOOL, change_attributes, with_change
from xporter_bridge.pulls.fleet_items import FleetItems
from xporter_bridge.pulls.model import LEASE, MESSAGE_PATIENCE, needs_worker, next_watch_at
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.slots import FREE
from xporter_bridge.pulls.stored_form import DOCUMENTS, read, text, write
from xporter_bridge.timestamps import iso, iso_or_none

_ATTEMPTS = 10
# The clocks of two Lambdas differ by less. A bound that is too high costs one more pull.
_CLOCK_SKEW = timedelta(milliseconds=500)


class DatasetRepository(FleetItems):
    """The table keyed by estab and dataset; ``config`` tells which dataset a record is about."""

    def __init__(self, client: Any, table: str, config: DatasetConfig) -> None:
        super().__init__(DynamoTable(client, table, "estab", "dataset"))
        self.config = config

    def get(self, estab: str, dataset: str) -> DatasetRecord | None:
        """Return the dataset, or None if it was never requested."""
        item = self._items.get(estab, dataset)
        return read(item) if item else None

    def of_school(self, estab: str) -> list[DatasetRecord]:
        """Return every dataset of the school, as all writers have left it; no ``#…`` is one."""
        found = self._items.query_partition(estab)
        return [read(item) for item in found if not item["dataset"].startswith("#")]

    def add_demand(
        self,
        estab: str,
        dataset: str,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
        staleness: Mapping[str, Any] | None = None,
    ) -> DatasetRecord:
        """Raise the demand for pulls by one, and return the dataset.

        A second request is harmless: both are served by one pull if none has begun. ``staleness``
        says why the next result may be old; not giving it takes an earlier one back.
        """
        set_ = {"staleness": text(staleness), **_demand(estab, definition, now)}
        return read(self._items.update(estab, dataset, set_=set_, add={"requested": 1}))

    def add_demand_since(
        self,
        estab: str,
        dataset: str,
        heard_at: datetime,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
        is_callback: bool = True,
    ) -> DatasetRecord | None:
        """Raise the demand because of a callback, or of a person; None if a pull has begun since.

        A pull that began after a callback has seen the change: two pulls serve thirty callbacks.
        """
        news: Item = {"staleness": None} | ({"heard_at": iso(heard_at)} if is_callback else {})
        try:
            raised = self._items.update(
                estab,
                dataset,
                set_=news | _demand(estab, definition, now),
                add={"requested": 1},
                condition="attribute_not_exists(began_at) OR began_at <= :heard",
                heard=iso(heard_at + _CLOCK_SKEW),
            )
        except ConflictError:
            return None
        return read(raised)

    def decide(self, estab: str, dataset: str, decision: str, now: datetime) -> DatasetRecord:
        """Record the decision on the dataset's hold: ``approve``, ``reject`` or ``expire``.

        The decision applies to the change set that is held now, and to none that replaces it.

        Raises:
            ConflictError: Nothing is held, or the held change set has just changed.
        """
        stored = self._items.get(estab, dataset)
        if not stored or "hold" not in stored:
            raise ConflictError("nothing_is_held")
        seen = read(stored).hold_id
        soon = watch_attributes(iso(now + timedelta(minutes=2)), estab)
        return read(
            self._items.update(
                estab,
                dataset,
                set_={"decision": decision, "decided_hold": seen, **soon},
                condition="#hold = :seen",
                seen=stored["hold"],
            )
        )

    def lease(self, item: DatasetRecord, now: datetime) -> DatasetRecord | None:
        """Lease the dataset; return None if another holder has had the lease since it was read.

        The lease has a fence higher than any before; ``save`` and ``renew`` require it.
        """
        return self._lease(item, now) if needs_worker(item, now) else None

    def lease_to_erase(self, item: DatasetRecord, now: datetime) -> DatasetRecord | None:
        """Lease the dataset whether it is due or not; None if another holder has the lease.

        That holder cannot commit any more. It may still be publishing what it committed before,
        so the caller must wait until its lease has run out.
        """
        taken = self._lease(item, now)
        if taken is None:
            self.invalidate_lease(item.estab, item.dataset)
        return taken

    def invalidate_lease(self, estab: str, dataset: str, *, keep_content: bool = True) -> None:
        """Make the next write of the lease holder fail; the lease itself still has to run out.

        Args:
            keep_content: False removes all content of the dataset, so that none is published.
        """
        with suppress(ConflictError):  # The dataset is deleted already.
            self._items.update(
                estab,
                dataset,
                set_={} if keep_content else dict.fromkeys((*DOCUMENTS, "checkpoint", "decision")),
                add={"fence": 1},
                condition="attribute_exists(estab)",
            )

    def _lease(self, item: DatasetRecord, now: datetime) -> DatasetRecord | None:
        set_ = _until(now + LEASE, item)
        if item.is_due:
            # A resumed pull read the school's data when it first began. Work other than a pull,
            # such as carrying out a decision, reads none.
            under_way = item.progress.checkpoint
            set_["began_at"] = iso(under_way.started_at if under_way else now)
        try:
            taken = self._items.update(
                item.estab,
                item.dataset,
                set_=set_,
                add={"fence": 1},
                # No lease was granted since, so the checkpoint is the one that was read.
                condition=f"(attribute_not_exists(fence) OR fence = :seen) AND {FREE}",
                seen=item.lease.fence,
                now=iso(now),
            )
        except ConflictError:
            return None
        return read(taken)

    def renew(self, item: DatasetRecord, now: datetime) -> DatasetRecord:
        """Extend the lease.

        Raises:
            ConflictError: The lease was lost; stop at once.
        """
        until = now + LEASE
        self._items.update(
            item.estab,
            item.dataset,
            set_=_until(until, item),
            condition="fence = :held",
            held=item.lease.fence,
        )
        return replace(item, lease=replace(item.lease, expires_at=until))

    def save(self, item: DatasetRecord, now: datetime) -> DatasetRecord:
        """Write everything that the lease holder owns, in one step, and return the whole record.

        This conditional write is the commit of a pull. A write that releases the lease also sets
        the next look, so it is repeated if a request or a decision came meanwhile. The write after
        which readers find a sequence stamps the sequence's change with its own time.

        Args:
            now: The time just before the call; a repetition counts on from it.

        Raises:
            ConflictError: The lease was lost.
        """
        began, passed = monotonic(), timedelta()
        for _ in range(_ATTEMPTS):
            try:
                return self._saved(with_change(item, now + passed), now + passed)
            except ConflictError:
                current = self.get(item.estab, item.dataset)
                passed = timedelta(seconds=monotonic() - began)
                if current is None or current.lease.fence != item.lease.fence:
                    raise
                item = replace(item, demand=current.demand)
        raise ConflictError("dataset_changed")

    def _saved(self, item: DatasetRecord, now: datetime) -> DatasetRecord:
        at = iso_or_none(next_watch_at(item, self.config.dataset_of(item), now))
        look = watch_attributes(at, item.estab) | change_attributes(item)
        condition, seen = "fence = :held", dict[str, Any](held=item.lease.fence)
        if not item.lease.expires_at:
            asked = {"requested": item.demand.requested, "decision": item.demand.decision}
            condition = " AND ".join([condition, *(_same(*each) for each in asked.items())])
            seen |= {name: value for name, value in asked.items() if value}
        return read(
            self._items.update(
                item.estab, item.dataset, set_=write(item) | look, condition=condition, **seen
            )
        )

    def clear_decision(self, item: DatasetRecord) -> DatasetRecord:
        """Clear the decision on a hold that the holder has just carried out.

        Raises:
            ConflictError: The lease was lost, or there is a new decision.
        """
        self._items.update(
            item.estab,
            item.dataset,
            set_={"decision": None, "decided_hold": None},
            condition="fence = :held AND decided_hold = :done",
            held=item.lease.fence,
            done=item.demand.decided_hold,
        )
        return replace(item, demand=replace(item.demand, decision="", decided_hold=""))

    def reschedule_watch(self, estab: str, dataset: str, seen: str, at: datetime | None) -> None:
        """Move the time of the next look, unless another writer has moved it since it was read."""
        watch = watch_attributes(iso_or_none(at), estab)
        reschedule_watch(self._items, estab, dataset, seen=seen, watch=watch)

    def clear_outbox(self, item: DatasetRecord) -> None:
        """Remove the events of the record, unless other events were added meanwhile."""
        with suppress(ConflictError):  # The outbox has changed: the next look publishes its events.
            self._items.update(
                item.estab,
                item.dataset,
                set_={"outbox": None},
                condition="outbox = :sent",
                sent=text(list(item.outbox)),
            )

    def due(self, now: datetime, shards: Iterable[int]) -> Iterator[tuple[str, str, str]]:
        """Yield (estab, dataset, watch_at) of every dataset of the shards to be looked at."""
        for item in self._items.query_due(iso(now), shards):
            yield item["estab"], item["dataset"], item["watch_at"]

    def forget(self, item: DatasetRecord) -> None:
        """Delete the dataset, unless it was requested or leased since it was read."""
        with suppress(ConflictError):  # The dataset is in use again.
            self._items.delete(
                item.estab,
                item.dataset,
                condition="requested = :seen AND fence = :held",
                seen=item.demand.requested,
                held=item.lease.fence,
            )

    def delete_school(self, estab: str) -> None:
        """Delete every item of the school but the one that says that the school was erased."""
        for item in list(self._items.query_partition(estab)):
            if item["dataset"] != ERASED_SCHOOL:
                self._items.delete(estab, item["dataset"])


def _demand(estab: str, definition: Mapping[str, Any] | None, now: datetime) -> Item:
    soon = watch_attributes(iso(now + MESSAGE_PATIENCE), estab)
    return {**soon, "definition": text(definition)} if definition else soon


def _until(moment: datetime, item: DatasetRecord) -> Item:
    return {"lease_expires_at": iso(moment), **watch_attributes(iso(moment), item.estab)}


def _same(name: str, value: object) -> str:
    return f"{name} = :{name}" if value else f"attribute_not_exists({name})"
