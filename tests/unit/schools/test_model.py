from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.events.model import TYPES
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.model import (
    PROBE_WAITS,
    REFUSALS_UNTIL_REVOKED,
    REVOKED_AFTER,
    REVOKED_DAILY_FOR,
    School,
    change_state,
    next_probe,
    paused,
    secret_refused,
    secret_verified,
    went_live,
    with_install_flags,
)
from xporter_bridge.schools.states import SchoolState

S = SchoolState
LATER = NOW + timedelta(hours=7)


def school(state: SchoolState = S.INVITED, **facts: object) -> School:
    return School(ESTAB, state=state, version=1, **facts)  # type: ignore[arg-type]


def announced(after: School) -> list[str]:
    return [event.type for event in after.outbox]


# -- proving a secret


def test_a_first_authorisation_goes_as_far_as_what_the_callback_says_allows() -> None:
    after = secret_verified(School(ESTAB), ("School",), NOW)
    assert (after.state, after.cause) == (S.INSTALLED, "ready_to_pull")
    assert after.scopes == ("School",)
    assert announced(after) == ["school.authorised"]


def test_a_school_that_says_it_is_not_installed_waits_and_is_asked_again_tomorrow() -> None:
    after = secret_verified(with_install_flags(School(ESTAB), "", False, None), ("School",), NOW)
    assert after.state is S.AUTHORISED
    assert after.probe_at == NOW + timedelta(days=1)
    assert not after.is_pullable


def test_once_it_says_that_it_has_installed_it_is_pulled() -> None:
    waiting = secret_verified(with_install_flags(School(ESTAB), "", False, None), ("School",), NOW)
    after = secret_verified(
        with_install_flags(replace(waiting, version=2), "", True, True), ("School",), LATER
    )
    assert (after.state, after.probe_at) == (S.INSTALLED, None)
    assert announced(after) == ["school.authorised"]


@pytest.mark.parametrize(("installed", "completed"), [(True, None), (None, None), (False, True)])
def test_only_a_clear_no_makes_a_school_wait(installed: bool, completed: bool) -> None:
    flagged = with_install_flags(School(ESTAB), "", installed, completed)
    assert secret_verified(flagged, (), NOW).state is S.INSTALLED


def test_a_late_callback_of_the_time_before_installing_takes_nothing_back() -> None:
    installed = with_install_flags(School(ESTAB), "", True, True)
    assert with_install_flags(installed, "", False, None).has_completed_install
    assert (
        secret_verified(with_install_flags(installed, "", False, None), (), NOW).state
        is S.INSTALLED
    )


def test_a_live_school_stays_live_with_its_new_scopes() -> None:
    after = secret_verified(
        school(S.LIVE, scopes=("School",), refusals=2), ("School", "Staff"), NOW
    )
    assert (after.state, after.scopes, after.refusals) == (S.LIVE, ("School", "Staff"), 0)
    assert announced(after) == []


@pytest.mark.parametrize("state", [S.PAUSED, S.REVOKED, S.ERASED])
def test_from_every_end_a_proved_secret_begins_anew(state: SchoolState) -> None:
    after = secret_verified(school(state, probe_at=NOW, last_refusal="x"), ("School",), NOW)
    assert (after.state, after.probe_at, after.last_refusal) == (S.INSTALLED, None, "")
    assert announced(after) == ["school.authorised"]


def test_the_first_data_make_an_installed_school_live_and_only_that() -> None:
    after = went_live(school(S.INSTALLED), NOW)
    assert (after.state, announced(after)) == (S.LIVE, ["school.live"])
    for state in set(S) - {S.INSTALLED}:
        assert went_live(school(state), NOW) == school(state)


# -- being paused or refused


def test_a_paused_school_is_asked_again_and_again_at_growing_waits() -> None:
    now, waiting, waits = NOW, school(S.LIVE), []
    for _ in range(len(PROBE_WAITS) + 2):
        waiting = paused(waiting, now)
        waits.append(waiting.probe_at - now)
        now = waiting.probe_at
    assert waits == [*PROBE_WAITS, PROBE_WAITS[-1], PROBE_WAITS[-1]]
    assert waiting.state is S.PAUSED
    assert announced(waiting) == ["school.paused"]


def refused_for(after: School, times: int, since: datetime, until: datetime) -> School:
    for number in range(times):
        after = secret_refused(
            after, "secret_refused", since + (until - since) * number / (times - 1)
        )
    return after


def working(state: SchoolState = S.LIVE, **facts: object) -> School:
    return school(state, credentials=Credentials(b"wrapped", secret=b"sealed"), **facts)


def test_one_refusal_may_be_a_fault_and_changes_no_state() -> None:
    after = secret_refused(working(), "secret_refused", NOW)
    assert (after.state, after.last_refusal) == (S.LIVE, "secret_refused")
    assert after.probe_at == NOW + PROBE_WAITS[0]


@pytest.mark.parametrize(
    ("times", "lasting"),
    [
        (400, timedelta(hours=1)),
        (60, timedelta(days=2, hours=23)),
        (REFUSALS_UNTIL_REVOKED - 1, timedelta(days=30)),
    ],
)
def test_neither_many_refusals_in_a_short_time_nor_few_in_a_long_one_revoke(
    times: int, lasting: timedelta
) -> None:
    after = refused_for(working(), times, NOW, NOW + lasting)
    assert (after.state, announced(after)) == (S.LIVE, [])


@pytest.mark.parametrize("state", [S.LIVE, S.INSTALLED, S.AUTHORISED])
def test_refusals_over_days_mean_that_the_school_has_revoked_us(state: SchoolState) -> None:
    after = refused_for(working(state), REFUSALS_UNTIL_REVOKED, NOW, NOW + REVOKED_AFTER)
    assert (after.state, after.cause) == (S.REVOKED, "secret_refused")
    assert announced(after) == ["school.revoked"]
    assert after.credentials == working().credentials


def test_while_it_is_refused_a_school_is_asked_at_growing_waits() -> None:
    now, after, waits = NOW, working(), []
    for _ in range(8):
        after = secret_refused(after, "secret_refused", now)
        waits.append(after.probe_at - now)
        now = after.probe_at
    assert waits == [PROBE_WAITS[0], *PROBE_WAITS, PROBE_WAITS[-1]]


def test_a_revoked_school_is_asked_daily_and_then_weekly_for_ever_and_told_of_once() -> None:
    after = refused_for(working(), REFUSALS_UNTIL_REVOKED, NOW, NOW + REVOKED_AFTER)
    now, waits = NOW + REVOKED_AFTER, []
    for _ in range(20):
        waits.append(next_probe(after, now) - now)
        now = next_probe(after, now)
        after = secret_refused(after, "secret_refused", now)
        assert after.probe_at == next_probe(after, now)
    assert waits == [timedelta(days=1)] * REVOKED_DAILY_FOR.days + [timedelta(days=7)] * 6
    assert announced(after) == ["school.revoked"]
    healed = secret_verified(after, ("School",), now)
    assert (healed.state, healed.refusals, healed.first_refused_at) == (S.INSTALLED, 0, None)


def test_a_secret_that_never_worked_is_kept_for_days_and_then_forgotten() -> None:
    waiting = school(credentials=Credentials(b"wrapped", pending_secret=b"sealed"))
    kept = refused_for(waiting, 40, NOW, NOW + REVOKED_AFTER - timedelta(minutes=1))
    assert (kept.state, kept.credentials) == (S.INVITED, waiting.credentials)
    assert kept.probe_at
    after = secret_refused(kept, "secret_refused", NOW + REVOKED_AFTER + timedelta(hours=1))
    assert (after.state, after.credentials, after.probe_at) == (S.INVITED, None, None)


def test_any_number_of_refusals_at_one_moment_count_as_one() -> None:
    after = working()
    for _ in range(20):
        after = secret_refused(after, "secret_refused", NOW)
    assert (after.state, after.refusals) == (S.LIVE, 1)


def test_a_school_that_was_paused_for_days_is_not_revoked_by_one_refusal() -> None:
    waiting = working()
    for hours in range(0, 160, 6):
        waiting = paused(waiting, NOW + timedelta(hours=hours))
    after = secret_refused(waiting, "secret_refused", NOW + timedelta(hours=166))
    assert after.state is S.PAUSED


def test_a_proof_in_between_starts_the_count_anew() -> None:
    once = refused_for(working(), 9, NOW, NOW + timedelta(days=2))
    proved_again = secret_verified(once, (), NOW + timedelta(days=2))
    after = refused_for(proved_again, 9, NOW + timedelta(days=2), NOW + timedelta(days=4))
    assert after.state is S.LIVE


# -- entering a state


def test_entering_the_state_it_is_in_announces_nothing_and_keeps_its_time() -> None:
    before = school(S.PAUSED, state_since=NOW, cause="authorisation_paused")
    assert change_state(before, S.PAUSED, "authorisation_paused", LATER) == before


@pytest.mark.parametrize("state", SchoolState)
def test_every_state_has_its_time_its_cause_and_what_happens_next(state: SchoolState) -> None:
    after = change_state(School(ESTAB), state, "because", NOW)
    assert (after.state, after.state_since, after.cause) == (state, NOW, "because")
    assert after.next_step
    assert set(announced(after)) <= set(TYPES)


def test_an_announcement_says_no_more_than_the_state_and_its_cause() -> None:
    (event,) = change_state(school(), S.PAUSED, "authorisation_paused", NOW).outbox
    assert event.data == {"estab": ESTAB, "state": "paused", "cause": "authorisation_paused"}


def test_two_changes_into_one_state_are_two_events() -> None:
    first = change_state(school(S.LIVE), S.PAUSED, "authorisation_paused", NOW)
    second = change_state(
        change_state(first, S.LIVE, "x", LATER), S.PAUSED, "authorisation_paused", LATER
    )
    assert len({event.id for event in second.outbox}) == 3


@pytest.mark.parametrize("state", SchoolState)
def test_only_an_installed_or_live_school_is_pulled(state: SchoolState) -> None:
    assert school(state).is_pullable is (state in {S.INSTALLED, S.LIVE})


def test_a_name_is_kept_when_a_callback_has_none() -> None:
    named = with_install_flags(school(), "Testing School", None, None)
    assert with_install_flags(named, "", None, None).name == "Testing School"


def test_credentials_show_nothing_of_what_they_hold() -> None:
    held = Credentials(b"wrapped", b"sealed-secret", "digest", b"pending", b"sealed-token")
    for hidden in ("wrapped", "sealed", "pending"):
        assert hidden not in repr(held)
        assert hidden not in repr(school(credentials=held))
