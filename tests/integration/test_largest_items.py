"""The largest writeback that is taken fits into its item, whatever Xporter says of it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from tests.support.builders import ESTAB, NOW
from tools.aws_rules.dynamodb import MAX_ITEM_BYTES, item_bytes
from xporter_bridge.operations.model import OperationKind, identity
from xporter_bridge.schools.encryption import seal
from xporter_bridge.writebacks.model import Part, ReadBackResult, Writeback, WritebackOutcome
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.transitions import outcome_received, queued
from xporter_bridge.writebacks.validation import MAX_PARTS, MAX_PAYLOAD_BYTES, check

# As long as an outcome may make them, and as many.
RESULTS = tuple((f"{number:0100}", f"{number:0100}") for number in range(500))
DEADLINE = timedelta(minutes=75)


def marks() -> dict[str, Any]:
    """The shortest marks, which grow the most when they are stored, of as many dates as may be."""
    return {
        "Marks": [
            {
                "StudentId": number // 2,
                "Date": str(date(2026, 1, 1) + timedelta(days=number // 2 % MAX_PARTS)),
                "Mark": "/",
                "Session": ("AM", "PM")[number % 2],
            }
            for number in range(4060)
        ]
    }


def conducts() -> dict[str, Any]:
    return {
        "Conducts": [
            {
                "Id": number, "IncidentType": "Ach", "RecordedById": 1, "TypeId": 1,
                "EntryDate": "2026-11-20", "Note": "x" * 345,
            }
            for number in range(500)
        ],
        "Participants": [{"ConductId": n, "Points": 1, "StudentId": n} for n in range(500)],
    }  # fmt: skip


def stored(kind: str, payload: dict[str, Any]) -> Writeback:
    """Return the writeback as it is when all but the last part have been asked after."""
    assert 0.9 * MAX_PAYLOAD_BYTES < len(orjson.dumps(payload)) <= MAX_PAYLOAD_BYTES
    checked = check(kind, payload)
    id_ = identity(OperationKind.WRITEBACK, ESTAB, "key")
    reading = ReadBackResult(5000, 4999, 4999, NOW)
    parts = tuple(
        replace(queued(Part(date=day, rows=rows), DEADLINE, NOW), sent_at=NOW, reading=reading)
        for day, rows in zip(checked.dates, checked.rows, strict=True)
    )
    content = orjson.dumps(checked.bodies).decode()
    return Writeback(
        estab=ESTAB,
        id=id_,
        created_at=NOW,
        watch_at=NOW,
        kind=checked.kind,
        mode=checked.mode,
        payload_digest="d" * 64,
        parts=parts,
        content=seal(b"k" * 32, content, context=id_),
    )


class Sizes:
    """Answers as DynamoDB's client and keeps how large each item would be."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.bytes.append(item_bytes(Item))
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Every attribute of an operation is set again when it is saved."""
        names = {name[1:]: value for name, value in request["ExpressionAttributeValues"].items()}
        item = {**names, **request["Key"]}
        self.bytes.append(item_bytes(item))
        return {"Attributes": item}


@pytest.mark.parametrize(("kind", "payload"), [("attendance", marks()), ("conduct", conducts())])
def test_the_largest_writeback_fits_its_item_at_every_step(
    kind: str, payload: dict[str, Any]
) -> None:
    sizes, writeback = Sizes(), stored(kind, payload)
    table = WritebackRepository(sizes, "operations")
    table.add(writeback)
    for number in range(len(writeback.parts)):
        outcome = WritebackOutcome(is_completed=True, tracking_id="t" * 100, results=RESULTS)
        writeback = table.save(outcome_received(writeback, number, 0, outcome, NOW))
    assert writeback.is_ended
    assert MAX_PAYLOAD_BYTES * 0.9 < max(sizes.bytes) < MAX_ITEM_BYTES
