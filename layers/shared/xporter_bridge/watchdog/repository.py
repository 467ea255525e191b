"""The latest samples of the pull queue, one item of the datasets' table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.timestamps import iso, parse
from xporter_bridge.watchdog.night import QueueSample

# No estab has such a name (pulls/fleet_notices.py has items under the same key).
_FLEET, _NIGHT = "#fleet", "#night"


class NightRepository:
    """Stores the samples from which the end of the night is forecast."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab", "dataset")

    def samples(self) -> list[QueueSample]:
        """Return the latest samples, oldest first."""
        item = self._items.get(_FLEET, _NIGHT) or {}
        return [QueueSample(parse(at), n) for at, n in orjson.loads(item.get("samples", "[]"))]

    def save(self, samples: Sequence[QueueSample]) -> None:
        """Store the samples in place of those before."""
        text = orjson.dumps([[iso(each.at), each.waiting] for each in samples]).decode()
        self._items.update(_FLEET, _NIGHT, set_={"samples": text})
