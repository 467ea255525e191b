"""The datasets of every school: generations, leases, checkpoints, and the commit.

Two kinds of writer share an item and never write the same attribute. Whoever wants a pull raises
``requested`` (and may say how); whoever holds the lease writes the rest, and each such write
proves that the lease is still theirs: a holder that was overtaken cannot commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from xporter_bridge.adapters.items import Item, Items, watched
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls import (
    LEASE,
    Checkpoint,
    DatasetItem,
    DatasetState,
    next_look,
    wants_pull,
)
from xporter_bridge.times import iso

# Documents are stored as JSON text: DynamoDB would turn their numbers into decimals.
_DOCUMENTS = (
    "manifest",
    "hold",
    "unpublished",
    "outbox",
    "definition",
    "columns",
    "reported_columns",
    "staleness",
)
_ASKERS = ("requested", "definition", "decision", "staleness")
# Two Lambdas' clocks differ by less; the price of being wrong upwards is one pull more.
_CLOCK_SKEW = timedelta(milliseconds=500)
_SLOTS_PER_SCHOOL = 4
_SLOT = "#slot-"


class DatasetTable:
    """The table keyed by estab and dataset."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = Items(client, table, "estab", "dataset")

    def get(self, estab: str, dataset: str) -> DatasetItem | None:
        """Return the dataset, or None if it was never asked for."""
        item = self._items.get(estab, dataset)
        return _read(item) if item else None

    def of_school(self, estab: str) -> list[DatasetItem]:
        """Return every dataset of the school."""
        found = self._items.under(estab)
        return [_read(item) for item in found if not item["dataset"].startswith(_SLOT)]

    def request(
        self,
        estab: str,
        dataset: str,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
        staleness: Mapping[str, Any] | None = None,
    ) -> DatasetItem:
        """Ask for one more pull than has been asked for, and return the dataset.

        Asking twice is harmless: both are served by one pull if none has begun. ``staleness``
        says why the next result may be old; not giving it takes an earlier one back.
        """
        soon = watched(iso(now + timedelta(minutes=2)), estab, dataset)
        set_: Item = {"staleness": _text(staleness), **soon}
        if definition:
            set_["definition"] = _text(definition)
        return _read(self._items.update(estab, dataset, set_=set_, add={"requested": 1}))

    def request_since(
        self,
        estab: str,
        dataset: str,
        heard_at: datetime,
        now: datetime,
        *,
        definition: Mapping[str, Any] | None = None,
    ) -> bool:
        """Ask for a pull because of something heard then; False if one has begun since.

        What began after the news came has seen what the news is about, however late its message
        is read: so thirty callbacks for one change are served by two pulls at the most.
        """
        set_ = watched(iso(now + timedelta(minutes=2)), estab, dataset)
        if definition:
            set_["definition"] = _text(definition)
        try:
            self._items.update(
                estab,
                dataset,
                set_=set_,
                add={"requested": 1},
                condition="attribute_not_exists(began_at) OR began_at <= :heard",
                heard=iso(heard_at + _CLOCK_SKEW),
            )
        except ConflictError:
            return False
        return True

    def decide(self, estab: str, dataset: str, decision: str, now: datetime) -> DatasetItem:
        """Say what shall become of the dataset's hold: ``approve``, ``reject`` or ``expire``.

        Raises:
            ConflictError: Nothing is held.
        """
        soon = watched(iso(now + timedelta(minutes=2)), estab, dataset)
        return _read(
            self._items.update(
                estab,
                dataset,
                set_={"decision": decision, **soon},
                condition="attribute_exists(hold)",
            )
        )

    def lease(self, estab: str, dataset: str, now: datetime) -> DatasetItem | None:
        """Take the dataset for a while, or return None if there is nothing to do or it is taken.

        The lease is a number higher than any before; ``save`` and ``renew`` prove it.
        """
        item = self.get(estab, dataset)
        if item is None or not wants_pull(item, now):
            return None
        return self._lease(item, now)

    def lease_to_erase(self, item: DatasetItem, now: datetime) -> DatasetItem | None:
        """Take the dataset whether it is due or not; None if it is taken.

        Whoever has it then cannot commit any more, and must be given the time of their lease to
        notice: what they committed before, they may still be copying to where readers look.
        """
        taken = self._lease(item, now)
        if taken is None:
            self.overtake(item.estab, item.dataset)
        return taken

    def overtake(self, estab: str, dataset: str, *, keep_content: bool = True) -> None:
        """Make the next write of whoever holds the dataset fail; their lease still runs out.

        Args:
            keep_content: False forgets all that the dataset holds, so that nobody publishes it.
        """
        try:
            self._items.update(
                estab,
                dataset,
                set_={} if keep_content else dict.fromkeys((*_DOCUMENTS, "checkpoint", "decision")),
                add={"fence": 1},
                condition="attribute_exists(estab)",
            )
        except ConflictError:
            return  # It is gone already.

    def _lease(self, item: DatasetItem, now: datetime) -> DatasetItem | None:
        until = iso(now + LEASE)
        try:
            taken = self._items.update(
                item.estab,
                item.dataset,
                set_={
                    "lease_expires_at": until,
                    # A pull that goes on saw the school's data when it first began.
                    "began_at": item.checkpoint.started_at if item.checkpoint else iso(now),
                    **watched(until, item.estab, item.dataset),
                },
                add={"fence": 1},
                condition="attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now",
                now=iso(now),
            )
        except ConflictError:
            return None
        return _read(taken)

    def renew(self, item: DatasetItem, now: datetime) -> DatasetItem:
        """Keep the lease for another while.

        Raises:
            ConflictError: It was lost; stop at once.
        """
        until = iso(now + LEASE)
        self._items.update(
            item.estab,
            item.dataset,
            set_={"lease_expires_at": until, **watched(until, item.estab, item.dataset)},
            condition="fence = :held",
            held=item.fence,
        )
        return replace(item, lease_expires_at=until)

    def save(self, item: DatasetItem, ttl: timedelta, now: datetime) -> DatasetItem:
        """Write everything that a lease holder owns, in one step, and return the whole item.

        This is the commit of a pull: before it nothing has happened, after it all has.

        Raises:
            ConflictError: The lease was lost.
        """
        owned = {name: value for name, value in _write(item).items() if name not in _ASKERS}
        look = watched(next_look(item, ttl, now), item.estab, item.dataset)
        return _read(
            self._items.update(
                item.estab,
                item.dataset,
                set_={**owned, **look},
                condition="fence = :held",
                held=item.fence,
            )
        )

    def take_decision(self, item: DatasetItem) -> DatasetItem:
        """Clear the decision on a hold that the holder has just carried out."""
        self._items.update(
            item.estab,
            item.dataset,
            set_={"decision": None},
            condition="fence = :held",
            held=item.fence,
        )
        return replace(item, decision="")

    def look_again(self, estab: str, dataset: str, seen: str, at: str) -> None:
        """Move the time of the next look, unless somebody else has moved it since it was seen."""
        try:
            self._items.update(
                estab,
                dataset,
                set_=watched(at, estab, dataset),
                condition="watch_at = :seen",
                seen=seen,
            )
        except ConflictError:
            return  # Whoever moved it knows better when to look.

    def clear_outbox(self, item: DatasetItem) -> None:
        """Forget the events of the item, unless others have joined them meanwhile."""
        try:
            self._items.update(
                item.estab,
                item.dataset,
                set_={"outbox": None},
                condition="outbox = :sent",
                sent=_text(list(item.outbox)),
            )
        except ConflictError:
            return  # Events joined or went: the next look publishes what is left.

    def due(self, now: datetime) -> Iterator[tuple[str, str, str]]:
        """Yield (estab, dataset, watch_at) of every dataset that must be looked at."""
        for item in self._items.due(iso(now)):
            yield item["estab"], item["dataset"], item["watch_at"]

    def delete(self, estab: str, dataset: str) -> None:
        """Forget the dataset."""
        self._items.delete(estab, dataset)

    def delete_school(self, estab: str) -> None:
        """Forget everything under the school."""
        for item in list(self._items.under(estab)):
            self._items.delete(estab, item["dataset"])

    def take_slot(self, estab: str, now: datetime) -> int | None:
        """Take one of the few places in which a school's datasets are pulled at a time.

        Together with the pages in flight per pull this bounds what one school's agent is asked
        at once. Returns None if all are taken; a place whose holder died frees itself.
        """
        for slot in range(_SLOTS_PER_SCHOOL):
            try:
                self._items.update(
                    estab,
                    f"{_SLOT}{slot}",
                    set_={"lease_expires_at": iso(now + LEASE)},
                    condition="attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now",
                    now=iso(now),
                )
            except ConflictError:
                continue
            return slot
        return None

    def keep_slot(self, estab: str, slot: int, now: datetime) -> None:
        """Keep the place for another while."""
        self._items.update(estab, f"{_SLOT}{slot}", set_={"lease_expires_at": iso(now + LEASE)})

    def free_slot(self, estab: str, slot: int) -> None:
        """Give the place back."""
        self._items.update(estab, f"{_SLOT}{slot}", set_={"lease_expires_at": None})


def _write(item: DatasetItem) -> Item:
    attributes = {
        name: getattr(item, name)
        for name in DatasetItem.__dataclass_fields__
        if name not in {"estab", "dataset", "fence", *_DOCUMENTS}
    }
    attributes["state"] = str(item.state)
    attributes["checkpoint"] = _text(asdict(item.checkpoint)) if item.checkpoint else None
    return attributes | {name: _text(getattr(item, name)) for name in _DOCUMENTS}


def _read(item: Item) -> DatasetItem:
    known = {
        name: value for name, value in item.items() if name in DatasetItem.__dataclass_fields__
    }
    for name in _DOCUMENTS:
        if name in known:
            known[name] = orjson.loads(known[name])
    known["outbox"] = tuple(known.get("outbox", ()))
    known["state"] = DatasetState(known.get("state", DatasetState.PENDING))
    if "checkpoint" in known:
        known["checkpoint"] = Checkpoint(**orjson.loads(known["checkpoint"]))
    return DatasetItem(**known)


def _text(document: Any) -> str | None:
    return orjson.dumps(document).decode() if document else None
