"""The datasets of every school: generations, leases, checkpoints, and the commit.

Two kinds of writer share an item and never write the same attribute. Whoever wants a pull raises
``requested`` (and may say how); whoever holds the lease writes the rest, and each such write
proves that the lease is still theirs: a holder that was overtaken cannot commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge.aws.dynamodb import DynamoTable, Item, reschedule_watch, watch_attributes
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.fleet_notices import FleetNotices
from xporter_bridge.pulls.model import LEASE, DatasetRecord, needs_worker, next_watch_at
from xporter_bridge.pulls.slots import FREE, SLOT, PullSlots
from xporter_bridge.pulls.stored_form import DOCUMENTS, read, text, write
from xporter_bridge.timestamps import iso

_ASKERS = ("requested", "definition", "decision", "decided_hold", "staleness", "heard_at")
_ATTEMPTS = 10
# Two Lambdas' clocks differ by less; a bound that is too high costs one more pull.
_CLOCK_SKEW = timedelta(milliseconds=500)


class DatasetRepository:
    """The table keyed by estab and dataset."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab", "dataset")

    @property
    def slots(self) -> PullSlots:
        """The places in which datasets are pulled, items of the same table."""
        return PullSlots(self._items)

    @property
    def notices(self) -> FleetNotices:
        """What was noticed at any school, items of the same table."""
        return FleetNotices(self._items)

    def get(self, estab: str, dataset: str) -> DatasetRecord | None:
        """Return the dataset, or None if it was never asked for."""
        item = self._items.get(estab, dataset)
        return read(item) if item else None

    def of_school(self, estab: str) -> list[DatasetRecord]:
        """Return every dataset of the school."""
        found = self._items.query_partition(estab)
        return [read(item) for item in found if not item["dataset"].startswith(SLOT)]

    def add_demand(
        self,
        estab: str,
        dataset: str,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
        staleness: Mapping[str, Any] | None = None,
    ) -> DatasetRecord:
        """Ask for one more pull than has been asked for, and return the dataset.

        Asking twice is harmless: both are served by one pull if none has begun. ``staleness``
        says why the next result may be old; not giving it takes an earlier one back.
        """
        set_ = {"staleness": text(staleness), **_demand(estab, dataset, definition, now)}
        return read(self._items.update(estab, dataset, set_=set_, add={"requested": 1}))

    def add_demand_since(
        self,
        estab: str,
        dataset: str,
        heard_at: datetime,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
    ) -> bool:
        """Ask for a pull because of news received then; False if a pull has begun since.

        What began after the news came has seen what the news is about, however late its message
        is read: so thirty callbacks for one change are served by at most two pulls.
        """
        news: Item = {"staleness": None, "heard_at": iso(heard_at)}
        try:
            self._items.update(
                estab,
                dataset,
                set_=news | _demand(estab, dataset, definition, now),
                add={"requested": 1},
                condition="attribute_not_exists(began_at) OR began_at <= :heard",
                heard=iso(heard_at + _CLOCK_SKEW),
            )
        except ConflictError:
            return False
        return True

    def decide(self, estab: str, dataset: str, decision: str, now: datetime) -> DatasetRecord:
        """Record what is to become of the dataset's hold: ``approve``, ``reject`` or ``expire``.

        The decision is bound to the change set that is held now: should another take its place
        first, that one is left alone.

        Raises:
            ConflictError: Nothing is held, or what is held has just changed.
        """
        item = self.get(estab, dataset)
        if item is None or item.hold is None:
            raise ConflictError("nothing_is_held")
        soon = watch_attributes(iso(now + timedelta(minutes=2)), estab, dataset)
        return read(
            self._items.update(
                estab,
                dataset,
                set_={"decision": decision, "decided_hold": item.hold_id, **soon},
                condition="#hold = :seen",
                seen=text(item.hold),
            )
        )

    def lease(self, estab: str, dataset: str, now: datetime) -> DatasetRecord | None:
        """Take the dataset for a while, or return None if there is nothing to do or it is taken.

        The lease is a number higher than any before; ``save`` and ``renew`` prove it.
        """
        item = self.get(estab, dataset)
        if item is None or not needs_worker(item, now):
            return None
        return self._lease(item, now)

    def lease_to_erase(self, item: DatasetRecord, now: datetime) -> DatasetRecord | None:
        """Take the dataset whether it is due or not; None if it is taken.

        Whoever has it then cannot commit any more, and must be given the time of their lease to
        notice: what they committed before, they may still be copying to where readers look.
        """
        taken = self._lease(item, now)
        if taken is None:
            self.invalidate_lease(item.estab, item.dataset)
        return taken

    def invalidate_lease(self, estab: str, dataset: str, *, keep_content: bool = True) -> None:
        """Make the next write of whoever holds the dataset fail; their lease still runs out.

        Args:
            keep_content: False forgets all that the dataset holds, so that nobody publishes it.
        """
        try:
            self._items.update(
                estab,
                dataset,
                set_={} if keep_content else dict.fromkeys((*DOCUMENTS, "checkpoint", "decision")),
                add={"fence": 1},
                condition="attribute_exists(estab)",
            )
        except ConflictError:
            return  # It is gone already.

    def _lease(self, item: DatasetRecord, now: datetime) -> DatasetRecord | None:
        until = iso(now + LEASE)
        set_: Item = {
            "lease_expires_at": until,
            **watch_attributes(until, item.estab, item.dataset),
        }
        if item.is_due:
            # A pull that goes on saw the school's data when it first began; work that is no pull,
            # as carrying out a decision, sees nothing of them.
            set_["began_at"] = item.checkpoint.started_at if item.checkpoint else iso(now)
        try:
            taken = self._items.update(
                item.estab,
                item.dataset,
                set_=set_,
                add={"fence": 1},
                # Nobody has held it since, so the checkpoint is still the one that was read.
                condition=f"(attribute_not_exists(fence) OR fence = :seen) AND {FREE}",
                seen=item.fence,
                now=iso(now),
            )
        except ConflictError:
            return None
        return read(taken)

    def renew(self, item: DatasetRecord, now: datetime) -> DatasetRecord:
        """Keep the lease for another while.

        Raises:
            ConflictError: The lease was lost; stop at once.
        """
        until = iso(now + LEASE)
        self._items.update(
            item.estab,
            item.dataset,
            set_={"lease_expires_at": until, **watch_attributes(until, item.estab, item.dataset)},
            condition="fence = :held",
            held=item.fence,
        )
        return replace(item, lease_expires_at=until)

    def save(self, item: DatasetRecord, ttl: timedelta, now: datetime) -> DatasetRecord:
        """Write everything that a lease holder owns, in one step, and return the whole item.

        This is the commit of a pull: before it nothing has happened, after it all has. Letting go
        says when to look again, so it sees whatever was asked for or decided meanwhile.

        Raises:
            ConflictError: The lease was lost.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._saved(item, ttl, now)
            except ConflictError:
                current = self.get(item.estab, item.dataset)
                if current is None or current.fence != item.fence:
                    raise
                item = replace(item, requested=current.requested, decision=current.decision)
        raise ConflictError("dataset_changed")

    def _saved(self, item: DatasetRecord, ttl: timedelta, now: datetime) -> DatasetRecord:
        owned = {name: value for name, value in write(item).items() if name not in _ASKERS}
        look = watch_attributes(next_watch_at(item, ttl, now), item.estab, item.dataset)
        condition, seen = "fence = :held", dict[str, Any](held=item.fence)
        if not item.lease_expires_at:
            condition += " AND " + _same("requested", item.requested)
            condition += " AND " + _same("decision", item.decision)
            asked = {"requested": item.requested, "decision": item.decision}
            seen |= {name: value for name, value in asked.items() if value}
        return read(
            self._items.update(
                item.estab, item.dataset, set_={**owned, **look}, condition=condition, **seen
            )
        )

    def clear_decision(self, item: DatasetRecord) -> DatasetRecord:
        """Clear the decision on a hold that the holder has just carried out.

        Raises:
            ConflictError: The lease was lost, or somebody has decided anew.
        """
        self._items.update(
            item.estab,
            item.dataset,
            set_={"decision": None, "decided_hold": None},
            condition="fence = :held AND decided_hold = :done",
            held=item.fence,
            done=item.decided_hold,
        )
        return replace(item, decision="", decided_hold="")

    def reschedule_watch(self, estab: str, dataset: str, seen: str, at: str) -> None:
        """Move the time of the next look, unless somebody else has moved it since it was seen."""
        reschedule_watch(self._items, estab, dataset, seen=seen, at=at)

    def clear_outbox(self, item: DatasetRecord) -> None:
        """Forget the events of the item, unless others have joined them meanwhile."""
        try:
            self._items.update(
                item.estab,
                item.dataset,
                set_={"outbox": None},
                condition="outbox = :sent",
                sent=text(list(item.outbox)),
            )
        except ConflictError:
            return  # Events joined or went: the next look publishes what is left.

    def due(self, now: datetime) -> Iterator[tuple[str, str, str]]:
        """Yield (estab, dataset, watch_at) of every dataset that must be looked at."""
        for item in self._items.query_due(iso(now)):
            yield item["estab"], item["dataset"], item["watch_at"]

    def forget(self, item: DatasetRecord) -> None:
        """Delete the dataset, unless somebody has asked for it or leased it since it was read."""
        try:
            self._items.delete(
                item.estab,
                item.dataset,
                condition="requested = :seen AND fence = :held",
                seen=item.requested,
                held=item.fence,
            )
        except ConflictError:
            return  # It lives on.

    def delete_school(self, estab: str) -> None:
        """Forget everything under the school."""
        for item in list(self._items.query_partition(estab)):
            self._items.delete(estab, item["dataset"])


def _demand(estab: str, dataset: str, definition: Mapping[str, Any] | None, now: datetime) -> Item:
    soon = watch_attributes(iso(now + timedelta(minutes=2)), estab, dataset)
    return {**soon, "definition": text(definition)} if definition else soon


def _same(name: str, value: object) -> str:
    return f"{name} = :{name}" if value else f"attribute_not_exists({name})"
