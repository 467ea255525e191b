"""submit_writeback and settle_writeback: from a message to an outcome that is announced."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.support.builders import ESTAB, records, stored_school
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.operations.model import OperationKind, identity
from xporter_bridge.writebacks.model import Writeback
from xporter_bridge.writebacks.repository import WritebackRepository

EVENTS = Path(__file__).parents[2] / "events"


def _from_company(xporter: Xporter, **facts: Any) -> dict[str, Any]:
    """Return the example message, about a pupil whom the simulated school has."""
    event = json.loads((EVENTS / "submit_writeback/message__from_company.json").read_text())
    message = json.loads(event["Records"][0]["body"])
    message["payload"]["Marks"][0]["StudentId"] = xporter.truth("Students")[0]["Id"]
    message["payload"]["Marks"][0] |= facts
    return dict(message)


def _held(cloud: Cloud, key: str = "register-7B-2026-11-17-AM") -> Writeback:
    table = WritebackRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable"))
    found = table.get(ESTAB, identity(OperationKind.WRITEBACK, ESTAB, key))
    assert found
    return found


def _outcome(writeback: Writeback, **facts: Any) -> dict[str, Any]:
    event = json.loads((EVENTS / "settle_writeback/message__completed.json").read_text())
    message = json.loads(event["Records"][0]["body"])
    return records({**message, "subject": f"{writeback.id}.0.1", **facts})


def test_a_mark_is_written_followed_and_announced(connected: Cloud, xporter: Xporter) -> None:
    stored_school(connected, secret=xporter.school(today="2026-11-20"))
    message = _from_company(xporter)
    for _ in range(2):
        reply = connected.invoke("submit_writeback", records(message))
        assert reply == {"batchItemFailures": []}
    sent = _held(connected)
    assert (sent.state, sent.parts[0].state, sent.parts[0].attempts) == ("sent", "sent", 1)
    assert sent.parts[0].tracking_id
    for _ in range(2):
        reply = connected.invoke("settle_writeback", _outcome(sent))
        assert reply == {"batchItemFailures": []}
    ended = _held(connected)
    assert (ended.state, ended.content, ended.outbox) == ("completed", None, ())
    (event,) = connected.events()
    assert event["type"] == "writeback.completed"
    assert event["data"] == {
        "estab": ESTAB, "id": ended.id, "kind": "attendance", "parts": 1, "rows": 1,
        "rows_written": 1, "reason": "",
    }  # fmt: skip
    (written,) = xporter.control("GET", f"schools/{ESTAB}/mis")["written"]
    assert written["times"] == 1


def test_the_callback_that_xporter_is_given_is_signed_and_whole(
    connected: Cloud, xporter: Xporter
) -> None:
    stored_school(connected, secret=xporter.school(today="2026-11-20"))
    connected.invoke("submit_writeback", records(_from_company(xporter)))
    called = xporter.control("GET", "callbacks")["callbacks"]
    url = (
        f"https://callbacks.example.app/callbacks/writeback?estab={ESTAB}&id={_held(connected).id}"
    )
    assert called[0]["url"].startswith(f"{url}.0.1&key=")
    assert "XodCompleted=True&trackingid=" in called[0]["url"]


def test_a_message_that_breaks_a_rule_is_answered_by_a_failed_writeback(
    connected: Cloud, xporter: Xporter
) -> None:
    stored_school(connected, secret=xporter.school(today="2026-11-20"))
    reply = connected.invoke("submit_writeback", records(_from_company(xporter, Session="XX")))
    assert reply == {"batchItemFailures": []}
    (event,) = connected.events()
    assert (event["type"], event["data"]["id"]) == ("writeback.failed", _held(connected).id)


def test_what_cannot_be_answered_is_parked_without_what_it_says_of_pupils(
    connected: Cloud, xporter: Xporter
) -> None:
    xporter.school(today="2026-11-20")
    message = _from_company(xporter)
    reply = connected.invoke("submit_writeback", records(message))
    assert reply == {"batchItemFailures": []}
    (parked,) = connected.take_raw("WritebackDeadLetterQueue")
    assert json.loads(parked["Body"]) == {
        name: message[name] for name in ("estab", "kind", "idempotency_key")
    }
    assert parked["MessageAttributes"]["reason"]["StringValue"] == "writeback_rejected"


def test_a_process_that_dies_while_sending_never_sends_again(
    connected: Cloud, xporter: Xporter
) -> None:
    stored_school(connected, secret=xporter.school(today="2026-11-20"))
    message = records(_from_company(xporter))
    dies = mock.patch(
        "xporter_bridge.xporter.client.XporterApi.write", side_effect=KeyboardInterrupt
    )
    with dies, pytest.raises(KeyboardInterrupt):
        connected.invoke("submit_writeback", message)
    assert _held(connected).parts[0].state == "sending"
    connected.invoke("submit_writeback", message)
    assert [path for path in xporter.paths() if "attendanceasync" in path] == []


def test_an_outcome_of_nothing_is_ignored_and_a_senseless_one_parked(connected: Cloud) -> None:
    facts = {"estab": ESTAB, "is_completed": True, "tracking_id": "", "reason": "", "results": []}
    reply = connected.invoke(
        "settle_writeback",
        records({**facts, "subject": "writeback-00.0.1"}, {**facts, "subject": "nonsense"}),
    )
    assert reply == {"batchItemFailures": []}
    assert [message["subject"] for message in connected.take("OutcomeDeadLetterQueue")] == [
        "nonsense"
    ]
