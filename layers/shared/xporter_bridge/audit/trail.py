"""Stores and reads the audit trail. No function may change or delete an entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from xporter_bridge.audit.model import AuditEntry
from xporter_bridge.aws.dynamodb import DynamoTable, Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.timestamps import iso, parse


class AuditTrail:
    """The table keyed by the subject and by the entry's position; DynamoDB deletes what is old."""

    def __init__(self, client: Any, table: str, kept: timedelta) -> None:
        self._items = DynamoTable(client, table, "subject", "position")
        self._kept = kept

    def add(self, entry: AuditEntry) -> None:
        """Store an entry; an entry that is stored already stays as it is.

        Raises:
            TransientError: Nothing is stored.
        """
        item = {
            "subject": entry.subject,
            "position": entry.position,
            "at": iso(entry.at),
            "id": entry.id,
            "action": entry.action,
            "outcome": entry.outcome,
            "by": entry.by,
            "about": dict(entry.about),
            "expires_at": int((entry.at + self._kept).timestamp()),
        }
        try:
            self._items.put_new(item)
        except ConflictError:
            return

    def page(
        self, subject: str | None, limit: int, start: Mapping[str, str] | None
    ) -> tuple[list[AuditEntry], Mapping[str, str] | None]:
        """Return one page of the trail, and the start of the next page; None at the end.

        Args:
            subject: An estab or ``STACK``: its entries, the latest first. None: all entries, in
                no particular order.
        """
        if subject is None:
            items, following = self._items.scan_page(limit, start)
        else:
            items, following = self._items.query_partition_page(subject, limit, start)
        return [_read(item) for item in items], following


def _read(item: Item) -> AuditEntry:
    return AuditEntry(
        item["subject"],
        parse(item["at"]),
        item["id"],
        item["action"],
        item["outcome"],
        item["by"],
        item.get("about", {}),
    )
