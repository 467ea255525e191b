"""A dataset as an item of its table, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

import orjson

from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.pulls.attempt import Attempt, AttemptOutcome
from xporter_bridge.pulls.noticed import Noticed
from xporter_bridge.pulls.record import (
    Chain,
    DatasetRecord,
    DatasetState,
    Demand,
    Hold,
    Lease,
    Looks,
    Progress,
    Published,
    PullCheckpoint,
)
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.timestamps import iso, iso_or_none, parse, parse_or_none

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
    "attempts",
)
# Some five kilobytes each.
_MOST_REMEMBERED = 64
TIMES = frozenset(
    {
        "heard_at",
        "lease_expires_at",
        "began_at",
        "retry_at",
        "baseline_at",
        "retire_at",
        "expires_at",
        "as_of",
        "checked_at",
        "looked_for",
        "look_at",
    }
)
PARTS = {
    "demand": Demand,
    "lease": Lease,
    "progress": Progress,
    "chain": Chain,
    "published": Published,
    "looks": Looks,
    "noticed": Noticed,
}
# Attributes lie side by side in the item, so these have longer names there than in their part.
_RENAMED = {
    Lease: {"expires_at": "lease_expires_at"},
    Looks: {"heard_at": "looked_for", "count": "looks", "at": "look_at"},
}
_OWN = ("estab", "dataset", "state", "reason", "erasing", "people_search")


@cache
def attributes(part: type) -> Mapping[str, str]:
    """Return the attribute in which each field of the part is stored."""
    renamed = _RENAMED.get(part, {})
    return {each.name: renamed.get(each.name, each.name) for each in fields(part)}


def write(item: DatasetRecord) -> Item:
    """Return every attribute that the lease holder owns; empty ones are to be removed."""
    written: Item = {
        "state": str(item.state),
        "reason": item.reason,
        "erasing": item.erasing,
        "people_search": item.people_search,
        "outbox": text(list(item.outbox)),
        "hold": text(_hold_document(item.hold)) if item.hold else None,
        "held_since": iso_or_none(item.held_since),
        "attempts": text([_attempt_document(each) for each in item.attempts]),
    }
    for name, part in PARTS.items():
        if part is not Demand:
            written |= {
                attribute: _stored(attribute, getattr(getattr(item, name), field))
                for field, attribute in attributes(part).items()
                if attribute != "fence"  # the condition of every write
            }
    return written


def read(item: Item) -> DatasetRecord:
    """Return the item as a dataset's record; attributes of later versions are ignored."""
    readers = _readers()
    found: dict[str, dict[str, Any]] = {}
    for attribute, value in item.items():
        if reader := readers.get(attribute):
            part, field, read_value = reader
            found.setdefault(part, {})[field] = read_value(value)
    parts: dict[str, Any] = {name: PARTS[name](**known) for name, known in found.items()}
    return DatasetRecord(
        item["estab"],
        item["dataset"],
        state=DatasetState(item.get("state", DatasetState.PENDING)),
        reason=item.get("reason", ""),
        erasing=item.get("erasing", ""),
        outbox=tuple(orjson.loads(item.get("outbox", "[]"))),
        hold=_hold(orjson.loads(item["hold"])) if "hold" in item else None,
        held_since=parse_or_none(item.get("held_since")),
        attempts=_attempts(item.get("attempts", "[]")),
        people_search=item.get("people_search", ""),
        **parts,
    )


def text(document: Any) -> str | None:
    """Return the document as it is stored; None for an empty one, which is not stored."""
    # A datetime has a form of its own here, and not that of orjson.
    return (
        orjson.dumps(document, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
        if document
        else None
    )


def _stored(attribute: str, value: Any) -> Any:
    if isinstance(value, Manifest):
        return text(value.document())
    if isinstance(value, PullCheckpoint):
        times = {"started_at": iso(value.started_at), "as_of": iso_or_none(value.as_of)}
        return text({**asdict(value), **times})
    if isinstance(value, datetime):
        return iso(value)
    if attribute in DOCUMENTS:
        return text(value)
    return list(value) if isinstance(value, tuple) else value


@cache
def _readers() -> Mapping[str, tuple[str, str, Callable[[Any], Any]]]:
    """Return the part of each attribute, its field, and the function that reads its value."""
    return {
        attribute: (name, field, _reader(attribute))
        for name, part in PARTS.items()
        for field, attribute in attributes(part).items()
    }


def _reader(attribute: str) -> Callable[[Any], Any]:
    if attribute == "manifest":
        return _manifest
    if attribute == "checkpoint":
        return lambda value: _checkpoint(orjson.loads(value))
    if attribute in TIMES:
        return parse_or_none
    return orjson.loads if attribute in DOCUMENTS else _plain


# A visit reads each dataset of a school several times, mostly unchanged.
@lru_cache(_MOST_REMEMBERED)
def _manifest(stored: str) -> Manifest:
    return Manifest.read(orjson.loads(stored))


@lru_cache(_MOST_REMEMBERED)
def _attempts(stored: str) -> tuple[Attempt, ...]:
    return tuple(_attempt(each) for each in orjson.loads(stored))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _checkpoint(document: Mapping[str, Any]) -> PullCheckpoint:
    times = {
        "started_at": parse(document["started_at"]),
        "as_of": parse_or_none(document.get("as_of")),
    }
    return PullCheckpoint(**{**document, **times})


def _hold_document(hold: Hold) -> dict[str, Any]:
    return {
        "since": iso(hold.since),
        "expires_at": iso(hold.expires_at),
        "reasons": list(hold.reasons),
        "fingerprint": hold.fingerprint,
        "manifest": hold.manifest.document(),
        "copies": dict(hold.copies),
    }


def _attempt_document(attempt: Attempt) -> list[Any]:
    """Return the attempt without names and with times in seconds: the item pays for each byte."""
    return [
        _seconds(attempt.ended_at),
        str(attempt.outcome),
        attempt.reason,
        attempt.sequence,
        # To the millisecond, by which callbacks are told apart.
        iso(attempt.heard_at) if attempt.heard_at else 0,
        attempt.count,
        _seconds(attempt.first_at) if attempt.first_at else 0,
    ]


def _attempt(document: Sequence[Any]) -> Attempt:
    ended_at, outcome, reason, sequence, heard_at, count, first_at = document[:7]
    return Attempt(
        datetime.fromtimestamp(ended_at, UTC),
        AttemptOutcome(outcome),
        reason,
        sequence,
        parse(heard_at) if heard_at else None,
        count,
        datetime.fromtimestamp(first_at, UTC) if first_at else None,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _hold(document: Mapping[str, Any]) -> Hold:
    return Hold(
        since=parse(document["since"]),
        expires_at=parse(document["expires_at"]),
        reasons=tuple(document["reasons"]),
        fingerprint=document["fingerprint"],
        manifest=Manifest.read(document["manifest"]),
        copies=document["copies"],
    )
