"""What of a dead letter may be shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tools.operator.dead_letters import FAILED_FIVE_TIMES, read
from tools.operator.queues import _plain

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def message(body: Any, reason: str = "", **attributes: str) -> dict[str, Any]:
    return {
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": str(int(NOW.timestamp() - 90) * 1000), **attributes},
        "MessageAttributes": {"reason": {"StringValue": reason}} if reason else {},
    }


def test_a_writeback_of_the_company_shows_its_school_and_kind_alone() -> None:
    body = {
        "estab": "3281102",
        "kind": "attendance",
        "idempotency_key": "secret-key",
        "payload": {"Marks": [{"StudentId": "secret-pupil"}]},
    }
    letter = read("Writeback", message(body, "writeback_rejected"), NOW)
    assert (letter.kind, letter.estab, letter.age_seconds) == ("attendance", "3281102", 90)
    assert letter.reason == "writeback_rejected"
    assert "secret" not in str(letter)


@pytest.mark.parametrize(
    "body",
    [
        "no JSON: secret",
        ["secret"],
        {"estab": "secret name", "kind": "secret", "dataset": "secret name", "database": {"a": 1}},
    ],
)
def test_nothing_of_a_letter_that_is_none_of_ours_is_shown(body: Any) -> None:
    letter = read("Writeback", message(body, reason="secret\nname"), NOW)
    assert "secret" not in str(letter)
    assert letter.reason == FAILED_FIVE_TIMES


def test_a_letter_is_counted_by_its_deliveries() -> None:
    body = {"estab": "3281102", "database": "XodSchoolData", "received_at": "t"}
    letter = read("Database", message(body, ApproximateReceiveCount="4"), NOW)
    assert (letter.kind, letter.database, letter.count) == ("database_changed", "XodSchoolData", 4)


@pytest.mark.parametrize(
    "typed", ["Pull", "pull", "PullQueue", "PullDeadLetterQueue", "pull-dead-letters", "PULL_QUEUE"]
)
def test_a_queue_is_found_however_a_person_writes_it(typed: str) -> None:
    assert _plain(typed) == "pull"
