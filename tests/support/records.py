"""Builds a dataset's record from the names of its stored attributes, whichever part they are in.

Times may be given as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from xporter_bridge.pulls.record import DatasetRecord, Hold
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.stored_form import PARTS, TIMES, attributes
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.timestamps import iso, parse, parse_or_none

_PLACES = {
    attribute: (name, field)
    for name, part in PARTS.items()
    for field, attribute in attributes(part).items()
}


def record(estab: str, dataset: str, **facts: Any) -> DatasetRecord:
    """Return a dataset of which these facts are known."""
    return with_facts(DatasetRecord(estab, dataset), **facts)


def with_facts(item: DatasetRecord, **facts: Any) -> DatasetRecord:
    """Return the dataset with other facts; a manifest or a hold may be a part of its document."""
    for attribute, value in facts.items():
        if attribute in TIMES and isinstance(value, str):
            value = parse_or_none(value)
        if attribute == "hold" and isinstance(value, Mapping):
            item = replace(item, hold=hold(**value))
        elif attribute in _PLACES:
            name, field = _PLACES[attribute]
            if attribute == "manifest" and isinstance(value, Mapping):
                value = manifest(**value)
            part = replace(getattr(item, name), **{field: value})
            item = replace(item, **{name: part})
        else:
            item = replace(item, **{attribute: value})
    return item


def fact(item: DatasetRecord, attribute: str) -> Any:
    """Return what is known of the dataset under the name of the stored attribute."""
    name, field = _PLACES.get(attribute, ("", ""))
    return getattr(getattr(item, name), field) if name else getattr(item, attribute)


def manifest(**facts: Any) -> Manifest:
    """Return the manifest of which these fields are known."""
    known: dict[str, Any] = {
        "estab": "3281102",
        "dataset": "students",
        "sequence": 1,
        "pull_id": "p1",
        "as_of": None,
        "completed_at": "2026-11-24T03:00:00.000Z",
        "stale": False,
        "requested_changed_rows": "*",
        "next_changed_rows": "hash",
        "tables": {},
    }
    times = {name: _moment(facts[name]) for name in ("as_of", "completed_at") if facts.get(name)}
    facts |= {name: iso(moment) for name, moment in times.items()}
    tables = {name: {**_TABLE, **each} for name, each in facts.pop("tables", {}).items()}
    return Manifest.read({**known, **facts, "tables": tables})


def hold(**facts: Any) -> Hold:
    """Return the hold of which these fields are known."""
    known: dict[str, Any] = {
        "since": "2026-11-24T03:00:00.000Z",
        "expires_at": "2026-12-01T03:00:00.000Z",
        "reasons": ("T: 9 of 9 rows deleted",),
        "fingerprint": "f",
        "copies": {},
    }
    made = manifest(**facts.pop("manifest", {}))
    known |= facts
    times = {name: _moment(known[name]) for name in ("since", "expires_at")}
    return Hold(**{**known, **times, "manifest": made})


def _moment(value: datetime | str) -> datetime:
    return parse(value) if isinstance(value, str) else value


_TABLE = TableEntry(0, "s", "0" * 64, 0, "u", 0, "d", []).document()


def lease(
    table: DatasetRepository, estab: str, dataset: str, now: datetime
) -> DatasetRecord | None:
    """Lease a dataset as it stands in its table; None if there is no work, or another holder."""
    item = table.get(estab, dataset)
    return item and table.lease(item, now)
