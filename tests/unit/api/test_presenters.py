"""What the API shows of what is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.records import record
from xporter_bridge.api.presenters import present_pull, present_school, present_writeback
from xporter_bridge.availability.model import AvailabilityRequest, PullState, WaitOutcome
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.model import School
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SCHOOL = School("3281102", state=SchoolState.LIVE, scopes=("School", "Student"), version=1)
PULL = AvailabilityRequest(
    estab="3281102",
    id="pull-1",
    created_at=NOW,
    dataset="attendancefordate-2026-11-20",
    definition={"endpoint": "a", "options": [], "parameters": {"date": "2026-11-20"}},
    outcome=WaitOutcome.NOT_OK,
    statuses=(("XodAttendance", "Error"),),
)


def test_every_configured_dataset_is_shown_though_nobody_has_asked_for_it_yet() -> None:
    shown = {each.dataset: each for each in present_school(SCHOOL, [], configured(), NOW).datasets}
    assert set(shown) == {name for name, each in configured().items() if not each.is_rolling}
    assert shown["students"].state is DatasetState.PENDING
    assert shown["contacts"].state is DatasetState.NOT_COVERED
    assert shown["contacts"].reason == f"needs the scope {configured()['contacts'].endpoint.scope}"


def test_a_school_whose_scopes_are_not_known_is_not_said_to_withhold_anything() -> None:
    invited = replace(SCHOOL, state=SchoolState.INVITED, scopes=())
    states = {each.state for each in present_school(invited, [], configured(), NOW).datasets}
    assert states == {DatasetState.PENDING}


@pytest.mark.parametrize(("failures", "minutes"), [(1, 60), (2, 120), (20, 1440)])
def test_a_failed_dataset_says_when_it_is_tried_again(failures: int, minutes: int) -> None:
    failed = record(
        "3281102",
        "students",
        state=DatasetState.FAILED,
        reason="xporter_refused",
        failures=failures,
        began_at=iso(NOW),
    )
    shown = {
        each.dataset: each for each in present_school(SCHOOL, [failed], configured(), NOW).datasets
    }
    assert shown["students"].retry_at == iso(NOW + timedelta(minutes=minutes))
    assert shown["groups"].retry_at is None


def test_an_erased_school_has_no_datasets() -> None:
    assert (
        present_school(replace(SCHOOL, state=SchoolState.ERASED), [], configured(), NOW).datasets
        == []
    )


def test_a_dataset_that_is_configured_no_longer_is_still_shown() -> None:
    item = record("3281102", "gone", state=DatasetState.CURRENT, sequence=2)
    shown = {
        each.dataset: each for each in present_school(SCHOOL, [item], configured(), NOW).datasets
    }
    assert (shown["gone"].endpoint, shown["gone"].sequence) == (None, 2)


def test_nothing_sealed_is_ever_shown() -> None:
    sealed = Credentials(b"WRAPPED", secret=b"SEALED", token=b"SEALED", secret_digest="DIGEST")
    text = present_school(
        replace(SCHOOL, credentials=sealed), [], configured(), NOW
    ).model_dump_json()
    assert not any(word in text for word in ("WRAPPED", "SEALED", "DIGEST"))


def test_a_pull_shows_what_xporter_said_and_why_it_failed() -> None:
    item = record("3281102", PULL.dataset, state=DatasetState.FAILED, reason="refused")
    shown = present_pull(PULL, item, PullState.FAILED, None)
    assert shown.reason == "refused"
    assert shown.parameters == {"date": "2026-11-20"}
    assert [(each.database, each.status) for each in shown.statuses] == [("XodAttendance", "Error")]
    assert present_pull(PULL, item, PullState.PULLING, None).reason is None


def test_a_writeback_shows_each_part_with_xporters_answer_and_no_content() -> None:
    part = Part(
        date="2026-11-20",
        rows=2,
        state=PartState.SENT,
        tracking_id="T-1",
        results=(("1", "1811"),),
        reading=ReadBackResult(2, 1, 1, NOW, seen=(("L", 1),)),
    )
    writeback = Writeback(
        estab="3281102",
        id="writeback-1",
        created_at=NOW,
        kind=WritebackKind.CONDUCT,
        mode="sync",
        payload_digest="DIGEST",
        parts=(part,),
        content=b"SEALED",
    )
    shown = present_writeback(writeback)
    [one] = shown.parts
    assert (one.tracking_id, one.results[0].mis_id) == ("T-1", "1811")
    assert one.reading
    assert (one.reading.expected, one.reading.found, one.reading.similar) == (2, 1, 1)
    assert one.reading.marks_seen == {"L": 1}
    assert "SEALED" not in shown.model_dump_json()
    assert "DIGEST" not in shown.model_dump_json()
