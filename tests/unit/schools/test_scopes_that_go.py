"""What a school allows, and when what it allowed before has gone for good: data follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.history import StateChange
from xporter_bridge.schools.model import (
    SECOND_LOOK,
    School,
    change_state,
    estab_changed,
    next_probe,
    paused,
    secret_refused,
    secret_verified,
    unproved_until,
    went_live,
    with_granted_scopes,
    with_install_flags,
)
from xporter_bridge.schools.states import SchoolState

LIVE, DAY = SchoolState.LIVE, timedelta(days=1)
LATER = NOW + timedelta(hours=1)


def school(state: SchoolState = LIVE, **facts: Any) -> School:
    return School(ESTAB, state=state, version=1, **facts)


# -- scopes


def test_what_is_granted_is_held_and_nothing_is_missing() -> None:
    after = with_granted_scopes(school(scopes=("School",)), ("School", "UPN"), NOW)
    assert after == school(scopes=("School", "UPN"))


def test_a_scope_that_is_gone_is_missing_until_a_second_look() -> None:
    after = with_granted_scopes(school(scopes=("School", "UPN")), ("School",), NOW)
    at = NOW + SECOND_LOOK
    assert after == school(scopes=("School",), missing_scopes={"UPN": at}, probe_at=at)
    assert after.retained_scopes == ("School", "UPN")


def test_the_time_of_the_second_look_can_be_another() -> None:
    before = school(scopes=("School", "UPN"))
    after = with_granted_scopes(before, ("School",), NOW, second_look=DAY)
    assert (after.missing_scopes, after.probe_at) == ({"UPN": NOW + DAY}, NOW + DAY)


@pytest.mark.parametrize(
    ("passed", "is_gone"),
    [(SECOND_LOOK - timedelta(seconds=1), False), (SECOND_LOOK, True), (DAY, True)],
)
def test_the_second_look_decides_and_an_earlier_one_changes_no_time(
    passed: timedelta, is_gone: bool
) -> None:
    missing = with_granted_scopes(school(scopes=("School", "UPN")), ("School",), NOW)
    after = with_granted_scopes(replace(missing, probe_at=None), ("School",), NOW + passed)
    expected = {} if is_gone else {"UPN": NOW + SECOND_LOOK}
    assert after.missing_scopes == expected
    assert after.probe_at == expected.get("UPN")


def test_a_scope_that_comes_back_was_never_gone_whatever_its_case() -> None:
    missing = with_granted_scopes(school(scopes=("School", "UPN")), ("School",), NOW)
    after = with_granted_scopes(missing, ("School", "upn"), LATER)
    assert (after.scopes, after.missing_scopes) == (("School", "upn"), {})


def test_one_more_scope_that_goes_has_a_time_of_its_own() -> None:
    first = with_granted_scopes(school(scopes=("School", "UPN", "SEN")), ("School", "SEN"), NOW)
    after = with_granted_scopes(first, ("School",), LATER)
    assert after.missing_scopes == {"UPN": NOW + SECOND_LOOK, "SEN": LATER + SECOND_LOOK}
    assert after.probe_at == NOW + SECOND_LOOK


def test_a_token_that_allows_nothing_proves_nothing_however_long() -> None:
    before = school(scopes=("School",), missing_scopes={"UPN": NOW})
    after = with_granted_scopes(before, (), NOW + DAY)
    assert after.missing_scopes == {"School": None, "UPN": None}
    assert (after.scopes, after.probe_at) == ((), NOW + DAY + SECOND_LOOK)
    still = with_granted_scopes(after, (), NOW + 30 * DAY)
    assert still.missing_scopes == after.missing_scopes
    # Once it allows something again, the time begins.
    back = with_granted_scopes(replace(still, probe_at=None), ("School",), NOW + 31 * DAY)
    assert back.missing_scopes == {"UPN": NOW + 31 * DAY + SECOND_LOOK}


def test_an_earlier_probe_stays_due() -> None:
    before = school(scopes=("School", "UPN"), probe_at=LATER)
    assert with_granted_scopes(before, ("School",), NOW).probe_at == LATER


# -- a proved secret


def test_a_proved_secret_ends_all_trouble_and_has_registrations_looked_at() -> None:
    troubled = school(
        pauses=2,
        refusals=2,
        last_refusal="secret_refused",
        first_refused_at=NOW,
        refused_at=NOW,
        probe_at=NOW,
        expires_at=7,
        scopes=("School",),
    )
    after = secret_verified(troubled, ("School",), LATER)
    assert after == school(scopes=("School",), registrations_due_at=LATER)


def test_the_second_look_after_a_proof_can_be_another() -> None:
    after = secret_verified(school(scopes=("UPN",)), ("School",), NOW, second_look=DAY)
    assert after.missing_scopes == {"UPN": NOW + DAY}


def test_an_authorisation_is_announced_with_its_cause_and_remembered() -> None:
    after = secret_verified(School(ESTAB), ("School",), NOW)
    [event] = after.outbox
    assert (event.type, event.data) == (
        "school.authorised",
        {"estab": ESTAB, "state": "authorised", "cause": "secret_proved"},
    )
    assert after.history == (
        StateChange(NOW, "authorised", "secret_proved"),
        StateChange(NOW, "installed", "ready_to_pull"),
    )
    assert after.state_since == NOW


def test_a_school_that_waits_for_its_installation_is_asked_within_a_day_and_sooner_if_due() -> None:
    flagged = with_install_flags(School(ESTAB), "", False, None)
    assert secret_verified(flagged, ("School",), NOW).probe_at == NOW + DAY
    missing = replace(flagged, scopes=("School", "UPN"))
    assert secret_verified(missing, ("School",), NOW).probe_at == NOW + SECOND_LOOK


def test_the_cause_of_a_state_is_the_latest_and_its_time_the_first() -> None:
    before = school(SchoolState.PAUSED, cause="first", state_since=NOW)
    after = change_state(before, SchoolState.PAUSED, "second", LATER)
    assert after == replace(before, cause="second")
    assert change_state(before, SchoolState.PAUSED, "first", LATER) is before


# -- pauses, refusals, another number


def test_a_pause_ends_a_series_of_refusals_and_the_time_of_an_unproved_school() -> None:
    before = school(refusals=2, first_refused_at=NOW, expires_at=7, pauses=1, probe_at=NOW)
    after = paused(before, NOW)
    assert (after.refusals, after.first_refused_at, after.expires_at) == (0, None, 0)
    assert (after.pauses, after.cause) == (2, "authorisation_paused")
    assert paused(before, NOW, "another").cause == "another"


def test_a_secret_that_opens_another_school_pauses_this_one_and_says_which() -> None:
    after = estab_changed(school(scopes=("School",)), "3284001", NOW)
    assert after.state is SchoolState.PAUSED
    assert after.cause == f"estab_changed: {ESTAB} is 3284001 now"
    assert after.next_step.startswith("nothing is pulled, as its secret opens another school")
    other = replace(after, cause="authorisation_paused")
    assert other.next_step == "asked again until the school has chosen whom to include"


@pytest.mark.parametrize(("minutes", "counts"), [(9, False), (10, True)])
def test_refusals_of_ten_minutes_count_as_one(minutes: int, counts: bool) -> None:
    once = secret_refused(school(), "first", NOW)
    at = NOW + timedelta(minutes=minutes)
    twice = secret_refused(once, "second", at)
    assert twice.refusals == 1 + counts
    assert twice.last_refusal == "second"
    assert twice.first_refused_at == NOW
    assert twice.refused_at == (at if counts else NOW)


def test_a_secret_that_never_worked_is_forgotten_with_its_series() -> None:
    waiting = school(SchoolState.INVITED, credentials=Credentials(b"k"), refusals=2)
    refused_before = replace(waiting, first_refused_at=NOW - timedelta(days=3), probe_at=NOW)
    after = secret_refused(refused_before, "secret_refused", NOW)
    assert (after.credentials, after.refusals, after.first_refused_at) == (None, 0, None)
    assert (after.probe_at, after.state) == (None, SchoolState.INVITED)


@pytest.mark.parametrize(
    ("facts", "wait"),
    [
        ({"state": SchoolState.REVOKED, "state_since": NOW - timedelta(days=13)}, DAY),
        ({"state": SchoolState.REVOKED, "state_since": NOW - timedelta(days=14)}, 7 * DAY),
        ({"state": SchoolState.REVOKED}, DAY),
        ({"first_refused_at": NOW}, timedelta(minutes=15)),
        ({"first_refused_at": NOW - timedelta(minutes=40)}, timedelta(minutes=40)),
        ({"first_refused_at": NOW - 2 * DAY}, timedelta(hours=6)),
        ({"pauses": 0}, timedelta(minutes=15)),
        ({"pauses": 5}, timedelta(hours=6)),
        ({"pauses": 50}, timedelta(hours=6)),
    ],
)
def test_a_school_is_asked_again_after_a_wait_that_grows(
    facts: dict[str, Any], wait: timedelta
) -> None:
    assert next_probe(school(**facts), NOW) == NOW + wait


# -- flags and words


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ((None, None), (True, None), (True, None)),
        ((True, None), (None, None), (True, None)),
        ((True, True), (False, False), (False, True)),
        ((False, False), (None, True), (False, True)),
    ],
)
def test_flags_are_kept_where_a_callback_says_nothing(
    before: tuple[bool | None, bool | None],
    said: tuple[bool | None, bool | None],
    after: tuple[bool | None, bool | None],
) -> None:
    known = school(is_installed=before[0], has_completed_install=before[1], name="Old")
    made = with_install_flags(known, "", *said)
    assert (made.is_installed, made.has_completed_install, made.name) == (*after, "Old")
    assert with_install_flags(known, "New", *said).name == "New"


def test_an_unproved_school_is_kept_for_fourteen_days() -> None:
    assert datetime.fromtimestamp(unproved_until(NOW), NOW.tzinfo) == NOW + timedelta(days=14)


def test_the_next_step_says_what_hinders_a_school() -> None:
    erasing = school(scopes=("School",), erasure_requested_at=NOW)
    assert erasing.next_step == "everything kept of it is being erased"
    assert not erasing.is_pullable
    nothing = "its token works but allows nothing: ask the school what it shares"
    assert school().next_step == nothing
    assert school(SchoolState.INSTALLED).next_step == nothing
    assert school(scopes=("School",)).next_step == "data is kept up to date"
    assert school(SchoolState.PAUSED, cause="x").next_step.startswith("asked again until")


def test_a_secret_works_once_it_has_yielded_a_token() -> None:
    assert not school().has_working_secret
    assert not school(credentials=Credentials(b"k")).has_working_secret
    assert school(credentials=Credentials(b"k", secret=b"s")).has_working_secret
    assert [school(state).is_gone for state in (LIVE, SchoolState.ERASED)] == [False, True]


def test_the_cause_of_going_live_is_a_word_that_has_a_sentence() -> None:
    after = went_live(school(SchoolState.INSTALLED), NOW)
    assert (after.cause, after.state_since) == ("first_data_committed", NOW)
