from datetime import UTC, datetime, timedelta

import pytest

from xporter_bridge.audit.model import UNNAMED, AuditEntry, named

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
ROLE = "arn:aws:sts::123456789012:assumed-role/Support/jo"


def entry(at: datetime = NOON, outcome: str = "asked") -> AuditEntry:
    return AuditEntry("3281102", at, "request-1", "decideHold", outcome, ROLE)


def test_entries_sort_by_time_and_the_same_fact_has_the_same_place() -> None:
    assert entry().position < entry(NOON + timedelta(milliseconds=1)).position
    assert entry().position == entry().position
    assert entry().position != entry(outcome="accepted").position


@pytest.mark.parametrize(
    "caller", [None, "", "root", {"a": 1}, "arn:\n", f"arn:{'x' * 700}", b"arn:aws"]
)
def test_who_has_no_arn_is_unnamed(caller: object) -> None:
    assert named(caller) == UNNAMED


def test_a_caller_is_named_by_the_arn() -> None:
    assert named(ROLE) == ROLE
