"""Which diagnosis `xporter-bridge explain` gives of what the API really shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import record
from tools.operator.diagnosis import diagnose
from tools.operator.findings import Code, Facts, Finding
from xporter_bridge.api.presenters import present_school
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.model import Registration, School
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso, parse

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
LAST_NIGHT = NOW - timedelta(hours=6)
ESTAB = "3281102"
DATABASES = sorted({each.database for each in configured().values()})
SCHOOL = School(
    ESTAB,
    state=SchoolState.LIVE,
    state_since=NOW - timedelta(days=30),
    scopes=tuple({each.endpoint.scope for each in configured().values()}),
    registrations={
        name: Registration(name, "f", "k", NOW - timedelta(days=3)) for name in DATABASES
    },
    version=1,
)


def healthy(name: str, **facts: Any) -> DatasetRecord:
    """Return a dataset that was announced and pulled last night."""
    known = {
        "state": DatasetState.CURRENT,
        "sequence": 3,
        "as_of": iso(LAST_NIGHT),
        "checked_at": iso(LAST_NIGHT + timedelta(minutes=20)),
        "heard_at": iso(LAST_NIGHT + timedelta(minutes=10)),
    }
    return record(ESTAB, name, **{**known, **facts})


def facts_of(school: School = SCHOOL, name: str = "", **facts: Any) -> Facts:
    """Return the facts where one dataset, or every one, differs from a healthy one."""
    items = [healthy(each, **(facts if name in {"", each} else {})) for each in configured()]
    view = present_school(school, items, configured(), NOW).model_dump(mode="json")
    heard = {each.dataset: each.demand.heard_at for each in items if each.demand.heard_at}
    return Facts(ESTAB, view, NOW, heard)


def found(school: School = SCHOOL, name: str = "", **facts: Any) -> list[Finding]:
    return diagnose(facts_of(school, name, **facts))


def codes(school: School = SCHOOL, name: str = "", **facts: Any) -> list[Code]:
    return [each.code for each in found(school, name, **facts)]


def test_nothing_is_wrong_with_a_school_that_was_announced_and_pulled() -> None:
    assert codes() == [Code.NONE]


def test_a_school_that_nobody_knows_has_never_authorised_us() -> None:
    assert [each.code for each in diagnose(Facts(ESTAB, None, NOW))] == [Code.NEVER_AUTHORISED]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (SchoolState.PAUSED, Code.PAUSED),
        (SchoolState.REVOKED, Code.REVOKED),
        (SchoolState.INVITED, Code.NEVER_AUTHORISED),
        (SchoolState.AUTHORISED, Code.NEVER_AUTHORISED),
        (SchoolState.ERASED, Code.ERASED),
    ],
)
def test_the_state_of_the_connection_is_the_whole_diagnosis(state: SchoolState, code: Code) -> None:
    old = iso(NOW - timedelta(days=20))
    assert codes(replace(SCHOOL, state=state), as_of=old, checked_at=old) == [code]


@pytest.mark.parametrize(
    ("cause", "code", "word"),
    [
        ("unanswered: xporter_503", Code.XPORTER_FAILING, "503"),
        ("unknown_partner", Code.NEVER_AUTHORISED, "another application"),
        ("secret_refused", Code.NEVER_AUTHORISED, "refuses"),
    ],
)
def test_an_invited_school_is_told_why_its_secret_opened_nothing_yet(
    cause: str, code: Code, word: str
) -> None:
    refusal = "" if cause.startswith("unanswered") else cause
    school = replace(SCHOOL, state=SchoolState.INVITED, cause=cause, last_refusal=refusal)
    (told,) = found(school)
    assert told.code is code
    assert word in told.says


def test_a_school_whose_number_changed_is_paused_and_leads_to_the_runbook() -> None:
    school = replace(SCHOOL, state=SchoolState.PAUSED, cause="estab_changed: 1 is 2 now")
    (paused,) = found(school)
    assert paused.code is Code.PAUSED
    assert "docs/runbook.md" in paused.do


def test_a_school_that_is_being_erased_is_nothing_else() -> None:
    assert codes(replace(SCHOOL, erasure_requested_at=NOW))[0] is Code.ERASED


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("xporter_503", Code.XPORTER_FAILING),
        ("xporter_429", Code.XPORTER_FAILING),
        ("xporter_answer_cut", Code.XPORTER_FAILING),
        ("pages_kept_moving", Code.XPORTER_FAILING),
        ("full_page_without_pagination", Code.XPORTER_FAILING),
        ("unexpected_fault", Code.OUR_FAULT),
        ("dynamodb:UpdateItem: AccessDeniedException", Code.OUR_FAULT),
        ("secret_refused", Code.REVOKED),
    ],
)
def test_pulls_that_fail_are_sorted_by_whose_fault_it_is(reason: str, code: Code) -> None:
    assert codes(name="students", reason=reason, retry_at=iso(NOW)) == [code]
    assert codes(name="students", reason=reason, state=DatasetState.FAILED, failures=1) == [code]


def test_pulls_of_all_schools_that_are_held_back_come_before_the_schools_own_trouble() -> None:
    failing = facts_of(name="students", reason="xporter_503", retry_at=iso(NOW))
    facts = replace(failing, breaker_opened_at=NOW)
    assert [each.code for each in diagnose(facts)] == [Code.FLEET_BREAKER, Code.XPORTER_FAILING]


def test_what_fails_explains_why_the_data_is_old() -> None:
    old = iso(NOW - timedelta(days=3))
    facts = {"reason": "unexpected_fault", "retry_at": iso(NOW), "checked_at": old}
    assert codes(name="students", **facts) == [Code.OUR_FAULT]


def test_data_that_the_school_no_longer_refreshes_is_not_our_fault() -> None:
    assert codes(as_of=iso(NOW - timedelta(days=20))) == [Code.MIS_NOT_REFRESHED]


def test_a_holiday_is_seen_before_the_data_counts_as_stale() -> None:
    silent = iso(NOW - timedelta(days=3))
    assert codes(as_of=silent, heard_at=silent) == [Code.MIS_NOT_REFRESHED]


def test_data_that_changes_unannounced_is_a_lost_webhook() -> None:
    assert codes(heard_at=iso(NOW - timedelta(days=3))) == [Code.WEBHOOK_LOST]


def test_a_school_that_was_never_called_for_is_a_lost_webhook_after_a_day() -> None:
    assert codes(heard_at=None) == [Code.WEBHOOK_LOST]
    young = replace(SCHOOL, state_since=NOW - timedelta(hours=20))
    assert codes(young, heard_at=None) == [Code.NONE]


def test_old_data_is_a_lost_webhook_also_where_callbacks_cannot_be_read() -> None:
    old = iso(NOW - timedelta(days=2))
    items = [healthy(each, checked_at=old) for each in configured()]
    view = present_school(SCHOOL, items, configured(), NOW).model_dump(mode="json")
    assert [each.code for each in diagnose(Facts(ESTAB, view, NOW))] == [Code.WEBHOOK_LOST]


def test_a_database_without_registration_is_a_lost_webhook() -> None:
    first, *rest = DATABASES
    school = replace(SCHOOL, registrations={n: SCHOOL.registrations[n] for n in rest})
    (lost,) = found(school)
    assert lost.code is Code.WEBHOOK_LOST
    assert first in lost.says
    assert rest[0] not in lost.says


def test_a_callback_that_led_to_no_pull_is_our_fault() -> None:
    old = iso(NOW - timedelta(days=2))
    heard = iso(NOW - timedelta(hours=8))
    assert codes(checked_at=old, heard_at=heard) == [Code.OUR_FAULT]


def test_a_held_change_names_the_decision_to_take() -> None:
    reasons = ("Students: 120 of 200 rows deleted",)
    held = found(name="students", state=DatasetState.HELD, hold={"reasons": reasons})
    assert [each.code for each in held] == [Code.HELD]
    assert reasons[0] in held[0].says
    assert f"hold approve {ESTAB} students" in held[0].do


def test_scopes_that_are_missing_or_were_never_shared_are_named() -> None:
    some = tuple(scope for scope in SCHOOL.scopes if scope != "Contact")
    assert codes(replace(SCHOOL, scopes=())) == [Code.SCOPE_MISSING]
    gone = replace(SCHOOL, scopes=some, missing_scopes={"Contact": NOW})
    assert codes(gone) == [Code.SCOPE_MISSING]
    assert "Contact" in found(gone)[0].says
    facts = {"state": DatasetState.NOT_COVERED, "reason": "needs the scope Contact"}
    assert codes(name="contacts", **facts) == [Code.SCOPE_MISSING]


def test_no_finding_shows_a_word_that_only_the_code_knows() -> None:
    for reason in ("xporter_answer_cut", "unexpected_fault", "secret_refused"):
        for each in found(name="students", reason=reason, retry_at=iso(NOW)):
            assert reason not in each.says


def test_a_person_reads_times_to_the_minute() -> None:
    school = replace(
        SCHOOL, state=SchoolState.REVOKED, state_since=parse("2026-11-03T04:05:06.789Z")
    )
    (revoked,) = found(school)
    assert "3 Nov 2026 04:05" in revoked.says
    assert "T04" not in revoked.says
