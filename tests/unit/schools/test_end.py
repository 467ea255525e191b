"""When a school that is paused or revoked for long comes to its end."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.schools.announced_end import AnnouncedEnd, end_attributes, read_end
from xporter_bridge.schools.attention import Severity, of_event
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.end import (
    NOTICE,
    EndStep,
    most_ends,
    next_end_step,
    unused_since,
    with_announced_end,
    with_withdrawn_end,
)
from xporter_bridge.schools.model import (
    School,
    change_state,
    estab_changed,
    paused,
    secret_refused,
    secret_verified,
)
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso

DAY = timedelta(days=1)
HELD = Credentials(b"wrapped", secret=b"sealed")
LIVE = School(ESTAB, state=SchoolState.LIVE, state_since=NOW, credentials=HELD, version=1)
PAUSED = replace(paused(LIVE, NOW), outbox=())
REVOKED = replace(change_state(LIVE, SchoolState.REVOKED, "refused", NOW), outbox=())


def announced(school: School, at: datetime, days: int = 90) -> School:
    after = with_announced_end(school, days, at)
    assert after.end
    return replace(after, outbox=())


@pytest.mark.parametrize("school", [PAUSED, REVOKED])
def test_an_end_is_announced_fourteen_days_before_and_never_sooner(school: School) -> None:
    day = NOW + 76 * DAY
    assert next_end_step(school, 90, day - timedelta(seconds=1)) is None
    assert next_end_step(school, 90, day) is EndStep.ANNOUNCE
    after = with_announced_end(school, 90, day)
    assert after.end == AnnouncedEnd(day, NOW + 90 * DAY)
    (event,) = after.outbox
    assert (event.type, event.data["ends_at"]) == ("school.end_announced", iso(NOW + 90 * DAY))
    assert with_announced_end(after, 90, day + DAY) == after


def test_a_school_revoked_a_year_ago_has_fourteen_days_too() -> None:
    late = NOW + 365 * DAY
    school = announced(REVOKED, late)
    assert school.end
    assert school.end.at == late + NOTICE
    for day in range(14):
        confirmed = secret_refused(school, "refused", late + day * DAY)
        assert next_end_step(confirmed, 90, late + day * DAY) is None
    assert next_end_step(school, 90, late + NOTICE) is EndStep.LOOK


@pytest.mark.parametrize("days", [0, 90])
@pytest.mark.parametrize("state", sorted(set(SchoolState) - {"paused", "revoked"}))
def test_no_other_school_has_an_end(state: SchoolState, days: int) -> None:
    school = replace(LIVE, state=state, end=AnnouncedEnd(NOW, NOW))
    assert next_end_step(school, days, NOW + 999 * DAY) is None
    assert unused_since(school) is None


def test_without_the_parameter_nothing_ends_and_what_was_announced_is_withdrawn() -> None:
    assert next_end_step(REVOKED, 0, NOW + 9999 * DAY) is None
    school = announced(REVOKED, NOW + 80 * DAY)
    assert next_end_step(school, 0, NOW + 95 * DAY) is EndStep.WITHDRAW
    after = with_withdrawn_end(school, 0, NOW + 95 * DAY)
    assert after.end is None
    assert [event.type for event in after.outbox] == ["school.end_withdrawn"]


def test_more_time_withdraws_the_announcement_and_less_does_not_hasten_it() -> None:
    school = announced(REVOKED, NOW + 80 * DAY)
    assert next_end_step(school, 180, NOW + 91 * DAY) is EndStep.WITHDRAW
    assert next_end_step(school, 30, NOW + 89 * DAY) is None


def test_an_erasure_needs_an_answer_of_xporter_after_the_end_and_a_fresh_one() -> None:
    school = announced(REVOKED, NOW + 76 * DAY)
    end = NOW + 90 * DAY
    before = secret_refused(school, "refused", end - timedelta(hours=1))
    assert next_end_step(before, 90, end) is EndStep.LOOK
    asked = secret_refused(school, "refused", end + DAY)
    assert next_end_step(asked, 90, end + DAY) is EndStep.ERASE
    assert next_end_step(asked, 90, end + 2 * DAY) is EndStep.ERASE
    assert next_end_step(asked, 90, end + 4 * DAY) is EndStep.LOOK


def test_an_answer_from_the_future_confirms_nothing() -> None:
    school = announced(REVOKED, NOW + 76 * DAY)
    ahead = secret_refused(school, "refused", NOW + 400 * DAY)
    assert next_end_step(ahead, 90, NOW + 91 * DAY) is EndStep.LOOK


def test_a_refusal_within_minutes_of_another_confirms_too() -> None:
    school = announced(PAUSED, NOW + 76 * DAY)
    twice = secret_refused(
        secret_refused(school, "refused", NOW + 90 * DAY),
        "refused",
        NOW + 90 * DAY + timedelta(minutes=1),
    )
    assert twice.end
    assert twice.end.confirmed_at == NOW + 90 * DAY + timedelta(minutes=1)


def test_a_pause_and_another_number_confirm_and_nobody_is_asked_without_a_secret() -> None:
    school = announced(PAUSED, NOW + 76 * DAY)
    end = NOW + 90 * DAY
    assert next_end_step(paused(school, end), 90, end) is EndStep.ERASE
    assert next_end_step(estab_changed(school, "3284001", end), 90, end) is EndStep.ERASE
    assert next_end_step(replace(school, credentials=None), 90, end) is EndStep.ERASE


def test_a_school_that_comes_back_has_no_end_and_its_time_begins_anew() -> None:
    school = announced(PAUSED, NOW + 76 * DAY)
    back = secret_verified(school, ("School",), NOW + 80 * DAY)
    assert back.end is None
    assert back.outbox[0].type == "school.end_withdrawn"
    again = paused(replace(back, outbox=()), NOW + 81 * DAY)
    assert unused_since(again) == NOW + 81 * DAY
    assert next_end_step(again, 90, NOW + 100 * DAY) is None


def test_a_pause_that_became_a_revocation_counts_from_the_pause() -> None:
    school = change_state(PAUSED, SchoolState.REVOKED, "refused", NOW + 60 * DAY)
    assert unused_since(school) == NOW
    kept = announced(PAUSED, NOW + 80 * DAY)
    revoked = change_state(kept, SchoolState.REVOKED, "refused", NOW + 85 * DAY)
    assert next_end_step(revoked, 90, NOW + 94 * DAY) is EndStep.LOOK


def test_an_announcement_that_earlier_code_left_on_a_school_that_was_back_is_withdrawn() -> None:
    # Earlier code does not know the end, and keeps it in the item.
    stale = AnnouncedEnd(NOW - 50 * DAY, NOW - 36 * DAY, NOW)
    assert next_end_step(replace(PAUSED, end=stale), 30, NOW + DAY) is EndStep.WITHDRAW


def test_the_state_of_the_index_alone_ends_nothing() -> None:
    assert next_end_step(replace(REVOKED, state_since=None), 90, NOW + 999 * DAY) is None
    gone = replace(announced(REVOKED, NOW + 80 * DAY), erasure_requested_at=NOW)
    assert next_end_step(gone, 90, NOW + 999 * DAY) is None


@pytest.mark.parametrize("school", [PAUSED, REVOKED])
def test_a_person_is_told(school: School) -> None:
    told = of_event(announced(school, NOW + 76 * DAY))
    assert told.severity is Severity.TROUBLE
    assert "22 February 2027" in told.says
    assert "erased" in announced(school, NOW + 76 * DAY).next_step


def test_one_run_ends_a_share_of_the_schools() -> None:
    assert [most_ends(n) for n in (0, 1, 300, 2_500, 25_000)] == [3, 3, 3, 25, 50]
    assert all(one <= other for one, other in pairwise(map(most_ends, range(0, 10_000, 7))))


@pytest.mark.parametrize(
    "end", [None, AnnouncedEnd(NOW, NOW + DAY), AnnouncedEnd(NOW, NOW + DAY, NOW)]
)
def test_an_end_is_read_as_it_was_stored(end: AnnouncedEnd | None) -> None:
    stored = {name: value for name, value in end_attributes(end).items() if value}
    assert read_end(stored) == end


@pytest.mark.parametrize("school", [PAUSED, REVOKED])
def test_a_withdrawal_is_published_with_the_school_and_how_it_stands(school: School) -> None:
    after = with_withdrawn_end(announced(school, NOW + 76 * DAY), 0, NOW + 80 * DAY)
    [told] = after.outbox
    assert told.type == "school.end_withdrawn"
    assert told.data == {
        "estab": ESTAB,
        "state": str(school.state),
        "announced_at": iso(NOW + 76 * DAY),
        "ends_at": iso(NOW + 90 * DAY),
    }
