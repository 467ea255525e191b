"""The one sentence about a school: the worst of it, in words."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import record
from xporter_bridge.api.attention import attention_of
from xporter_bridge.api.presenters import present_school
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.failures import in_words
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.attention import Attention, Severity
from xporter_bridge.schools.model import School, change_state
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CONFIG = configured()
SCOPES = tuple({each.endpoint.scope for each in CONFIG.values()})
SCHOOL = School(
    "3281102",
    state=SchoolState.LIVE,
    state_since=NOW - timedelta(days=30),
    cause="first_data_committed",
    scopes=SCOPES,
    version=1,
)


def dataset(name: str, **facts: Any) -> DatasetRecord:
    fresh = {"checked_at": iso(NOW), "as_of": iso(NOW), "state": DatasetState.CURRENT}
    return record(SCHOOL.estab, name, **{**fresh, **facts})


def held(name: str, *reasons: str) -> DatasetRecord:
    hold = {
        "since": NOW - timedelta(hours=3),
        "expires_at": NOW + timedelta(days=7),
        "reasons": reasons,
        "fingerprint": "f",
        "manifest": {},
        "copies": {},
    }
    return dataset(name, state=DatasetState.HELD, reason="; ".join(reasons), hold=hold)


def attention(*items: DatasetRecord, school: School = SCHOOL) -> Attention:
    return attention_of(school, items, CONFIG, NOW)


def test_of_a_school_whose_data_is_fresh_nothing_is_the_matter() -> None:
    found = attention(dataset("students"), dataset("staff"))
    assert (found.severity, found.says) == (Severity.NONE, "Data is kept up to date.")


def test_held_datasets_are_counted_and_the_largest_loss_is_named_in_peoples_words() -> None:
    found = attention(
        held("students", "Students: 120 of 200 rows deleted", "UDFs: 3 of 80 rows updated"),
        held("staff", "Staff: 10 of 60 rows deleted"),
        held("groups", "Groups: absent from the answer"),
        held("contacts", "Contacts: 5 of 300 rows updated"),
        dataset("timetable", state=DatasetState.FAILED, failures=9, reason="xporter_exception"),
    )
    assert found.says == "4 datasets wait for your decision: 120 of 200 pupils deleted."
    assert found.severity is Severity.TROUBLE
    assert found.since == NOW - timedelta(hours=3)
    assert "approve or reject" in found.do


def test_a_decision_that_is_being_carried_out_asks_nobody_for_another() -> None:
    item = held("students", "Students: 120 of 200 rows deleted")
    found = attention(replace(item, demand=replace(item.demand, decision="approve")))
    assert (found.severity, found.says) == (
        Severity.NOTICE,
        "1 decision is being carried out.",
    )


@pytest.mark.parametrize(
    ("failures", "severity"), [(1, Severity.NOTICE), (5, Severity.TROUBLE), (40, Severity.TROUBLE)]
)
@pytest.mark.parametrize("state", [DatasetState.CURRENT, DatasetState.PENDING])
def test_a_dataset_whose_attempts_fail_is_failing(
    failures: int, severity: Severity, state: DatasetState
) -> None:
    item = dataset("students", failures=failures, reason="xporter_503", state=state)
    found = attention(item)
    assert found.says == "1 dataset fails at every attempt: Xporter is down or too slow."
    assert found.severity is severity
    view = present_school(SCHOOL, [item], CONFIG, NOW)
    assert {each.dataset: each.state for each in view.datasets}["students"] == "failing"
    assert view.next_step == found.do


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"as_of": iso(NOW - timedelta(days=40))}, "Xporter has had no newer data"),
        ({"checked_at": iso(NOW - timedelta(days=40))}, "we have not compared"),
    ],
)
def test_old_data_is_trouble_and_says_whose(facts: dict[str, str], words: str) -> None:
    found = attention(dataset("students", **facts), dataset("staff"))
    assert found.says.startswith("1 dataset is old:")
    assert words in found.says
    assert found.severity is Severity.TROUBLE
    assert found.since == NOW - timedelta(days=40)


def test_a_dataset_that_is_asked_for_and_never_came_becomes_trouble_after_a_day() -> None:
    waiting = record(SCHOOL.estab, "students", requested=1)
    assert attention(waiting).severity is Severity.TROUBLE
    young = replace(SCHOOL, state_since=NOW)
    assert attention(waiting, school=young).severity is Severity.NOTICE
    assert attention(record(SCHOOL.estab, "students")).severity is Severity.NOTICE


def test_a_pause_explains_old_data_which_make_it_trouble() -> None:
    paused = replace(SCHOOL, state=SchoolState.PAUSED, cause="authorisation_paused")
    assert attention(dataset("students"), school=paused).severity is Severity.NOTICE
    old = attention(dataset("students", as_of=iso(NOW - timedelta(days=40))), school=paused)
    assert old.severity is Severity.TROUBLE
    assert "paused" in old.says


@pytest.mark.parametrize("state", list(SchoolState))
def test_every_state_is_said_in_words_and_only_a_healthy_one_is_well(state: SchoolState) -> None:
    school = replace(change_state(SCHOOL, state, "some_token", NOW), outbox=())
    items = [] if state is SchoolState.ERASED else [dataset("students")]
    found = attention(*items, school=school)
    is_well = state in {SchoolState.LIVE, SchoolState.INSTALLED, SchoolState.ERASED}
    assert (found.severity is Severity.NONE) is is_well
    assert (found.severity is Severity.TROUBLE) is (state is SchoolState.REVOKED)
    assert found.says.endswith(".")
    assert found.do.endswith(".")
    assert not re.search(r"\w_\w|\d{4}-\d\d", found.says + found.do)


@pytest.mark.parametrize(
    ("changes", "words", "severity"),
    [
        ({"scopes": ()}, "allows nothing", Severity.TROUBLE),
        ({"missing_scopes": {"Student": None}}, "no longer names", Severity.TROUBLE),
        ({"missing_scopes": {"Student": NOW}}, "no longer names", Severity.NOTICE),
        ({"first_refused_at": NOW}, "begun to refuse", Severity.NOTICE),
        ({"erasure_requested_at": NOW}, "being erased", Severity.NOTICE),
    ],
)
def test_the_access_of_a_connected_school(
    changes: dict[str, Any], words: str, severity: Severity
) -> None:
    found = attention(dataset("students"), school=replace(SCHOOL, **changes))
    assert words in found.says
    assert found.severity is severity


def test_a_number_that_has_changed_is_trouble_at_once() -> None:
    moved = replace(SCHOOL, state=SchoolState.PAUSED, cause="estab_changed: 3281102 is 3284001 now")
    assert attention(school=moved).severity is Severity.TROUBLE


@pytest.mark.parametrize(
    "reason",
    ["xporter_429", "xporter_503", "unexpected_fault", "identity_repeated", "as_of_changed",
     "dynamodb:Query: ThrottlingException", "never_heard_of"],
)  # fmt: skip
def test_reasons_are_said_without_tokens(reason: str) -> None:
    said = in_words(reason)
    assert said
    assert "_" not in said
