"""Deletes the writebacks and the requests for pulls that name an erased person."""

from __future__ import annotations

import orjson

from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.operations.model import OperationKind, kind_of
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.schools.encryption import unseal
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.schools.model import School
from xporter_bridge.schools.vault import OpenedKey, SchoolVault
from xporter_bridge.writebacks.accept import content_context
from xporter_bridge.xporter.people import is_requested_for


def forget_operations(
    school: School, people: OpenedPeople, operations: OperationRepository, vault: SchoolVault
) -> int:
    """Delete the operations that name an erased person, and return how many there were.

    A writeback that has not ended is deleted without an outcome: it cannot be accepted again, as
    writebacks about erased people are refused.
    """
    items = operations.of_school(school.estab)
    is_sealed = any(item.get("content") for item in items)
    key = vault.open(school.estab, school.credentials) if is_sealed and school.credentials else None
    named = [item for item in items if _names(item, people, key)]
    for item in named:
        operations.delete(school.estab, item["operation"])
    return len(named)


def _names(item: Item, people: OpenedPeople, key: OpenedKey | None) -> bool:
    estab, id_ = item["estab"], item["operation"]
    kind = kind_of(id_)
    if kind is OperationKind.WRITEBACK and item.get("content") and key:
        opened = unseal(key.key, item["content"], context=content_context(estab, id_))
        return people.are_named_in(orjson.loads(opened))
    if kind is OperationKind.PULL and item.get("definition"):
        definition = orjson.loads(item["definition"])
        return is_requested_for(definition["endpoint"], definition["parameters"], people.is_erased)
    return False
