"""A dataset as an item of its table, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.pulls.model import DatasetRecord, DatasetState, PullCheckpoint

# Documents are stored as JSON text: DynamoDB would make decimals of their numbers.
DOCUMENTS = (
    "manifest",
    "hold",
    "unpublished",
    "outbox",
    "definition",
    "columns",
    "reported_columns",
    "repeated",
    "staleness",
)


def write(item: DatasetRecord) -> Item:
    """Return every attribute but the keys and the fence; empty ones are to be removed."""
    attributes = {
        name: getattr(item, name)
        for name in DatasetRecord.__dataclass_fields__
        if name not in {"estab", "dataset", "fence", *DOCUMENTS}
    }
    attributes["state"] = str(item.state)
    attributes["scopes"] = list(item.scopes)
    attributes["checkpoint"] = text(asdict(item.checkpoint)) if item.checkpoint else None
    return attributes | {name: text(getattr(item, name)) for name in DOCUMENTS}


def read(item: Item) -> DatasetRecord:
    """Return the item as a dataset's record; attributes of later versions are ignored."""
    known = {
        name: value for name, value in item.items() if name in DatasetRecord.__dataclass_fields__
    }
    for name in DOCUMENTS:
        if name in known:
            known[name] = orjson.loads(known[name])
    known["scopes"] = tuple(known.get("scopes", ()))
    known["outbox"] = tuple(known.get("outbox", ()))
    known["state"] = DatasetState(known.get("state", DatasetState.PENDING))
    if "checkpoint" in known:
        known["checkpoint"] = PullCheckpoint(**orjson.loads(known["checkpoint"]))
    return DatasetRecord(**known)


def text(document: Any) -> str | None:
    """Return the document as it is stored; None for an empty one, which is not stored."""
    return orjson.dumps(document).decode() if document else None
