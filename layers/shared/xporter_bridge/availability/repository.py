"""The pulls on request in the table of operations.

A further item per dataset, ``#pull/`` and the dataset's name, holds the id of its latest pull on
request, so that a repeated request finds the pull without a search.
"""

from __future__ import annotations

from datetime import datetime

from xporter_bridge.availability.model import AvailabilityRequest, PullState, WaitOutcome
from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.operations.model import OperationKind, expiry
from xporter_bridge.operations.repository import (
    RecordRepository,
    document_of,
    known_fields,
    plain_attributes,
    text_of,
)
from xporter_bridge.timestamps import iso, parse_or_none

_LATEST = "#pull/"


class AvailabilityRepository(RecordRepository[AvailabilityRequest]):
    """The pulls on request, and the latest pull of each dataset."""

    kind = OperationKind.PULL

    def latest_pull(
        self, estab: str, dataset: str
    ) -> tuple[int, AvailabilityRequest | None, datetime | None]:
        """Return the number of the latest pull of a dataset, the pull, and when it was made."""
        item = self._items.get(estab, _LATEST + dataset) or {}
        pull = self.get(estab, item["latest"]) if "latest" in item else None
        return item.get("number", 0), pull, parse_or_none(item.get("requested_at"))

    def set_latest_pull(self, pull: AvailabilityRequest, number: int) -> None:
        """Record the latest pull of its dataset, unless a later one has been recorded."""
        try:
            self._items.update(
                pull.estab,
                _LATEST + pull.dataset,
                set_={
                    "latest": pull.id,
                    "number": number,
                    "requested_at": iso(pull.created_at),
                    "expires_at": expiry(pull.created_at),
                },
                condition="attribute_not_exists(#number) OR #number < :number",
            )
        except ConflictError:
            return  # This pull or a later one is recorded already.

    def write(self, record: AvailabilityRequest) -> Item:
        """Return the attributes that store the request."""
        return plain_attributes(record) | {
            "definition": text_of(record.definition),
            "statuses": text_of(record.statuses),
            "state": str(record.state),
            "outcome": str(record.outcome) if record.outcome else None,
        }

    def read(self, item: Item) -> AvailabilityRequest:
        """Return the request that is stored in the item."""
        known = known_fields(item, AvailabilityRequest)
        known["state"] = PullState(known["state"])
        known["outcome"] = WaitOutcome(known["outcome"]) if "outcome" in known else None
        statuses = document_of(known, "statuses")
        known["statuses"] = tuple((name, status) for name, status in statuses)
        known["definition"] = document_of(known, "definition") or None
        return AvailabilityRequest(**known)
