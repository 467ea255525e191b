"""How the tombstones of erased people are stored in the school's item."""

from __future__ import annotations

from typing import Any

import orjson

from xporter_bridge.schools.erased_people import ErasedPeople, PersonTombstone
from xporter_bridge.timestamps import iso, iso_or_none, parse, parse_or_none
from xporter_bridge.xporter.people import PersonKind

_EMPTY = ErasedPeople(b"")


def people_attributes(people: ErasedPeople | None) -> dict[str, Any]:
    """Return the attributes that store the tombstones; all empty if there are none."""
    held = people or _EMPTY
    entries = [
        [
            each.digest,
            str(each.kind),
            iso(each.requested_at),
            iso_or_none(each.erased_at) or "",
            iso_or_none(each.verified_at) or "",
        ]
        for each in held.tombstones
    ]
    return {
        "people_key": held.wrapped_key,
        "erased_people": orjson.dumps(entries).decode() if entries else None,
        "people_lifted_at": iso_or_none(held.lifted_at),
        "people_watched_at": iso_or_none(held.watched_at),
    }


def read_people(item: dict[str, Any]) -> ErasedPeople | None:
    """Return the tombstones of a school's item; None if there are none."""
    if "people_key" not in item:
        return None
    return ErasedPeople(
        item["people_key"],
        tuple(
            PersonTombstone(
                digest,
                PersonKind(kind),
                parse(requested_at),
                parse_or_none(erased_at or None),
                parse_or_none(verified_at or None),
            )
            for digest, kind, requested_at, erased_at, verified_at, *_ in orjson.loads(
                item.get("erased_people", "[]")
            )
        ),
        parse_or_none(item.get("people_lifted_at")),
        parse_or_none(item.get("people_watched_at")),
    )
