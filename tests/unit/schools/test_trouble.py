"""Which schools are in the index of troubled ones, and in which order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.records import record
from xporter_bridge.api.attention import attention_of
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.attention import worst_trouble
from xporter_bridge.schools.attention import Severity, trouble_of
from xporter_bridge.schools.history import MOST_CHANGES
from xporter_bridge.schools.model import School, SchoolState, change_state
from xporter_bridge.schools.trouble import Trouble, parse_trouble

LIVE = School(ESTAB, state=SchoolState.LIVE, scopes=("Student",), state_since=NOW, version=1)
ITEMS = {
    "well": record(ESTAB, "students", state="current", checked_at=NOW, as_of=NOW),
    "held": record(ESTAB, "students", state="held", checked_at=NOW, as_of=NOW, hold={}),
    "failed": record(ESTAB, "students", state="failed", reason="x", checked_at=NOW, as_of=NOW),
    "fails once": record(ESTAB, "students", state="current", failures=1, checked_at=NOW),
    "fails": record(ESTAB, "students", state="current", failures=5, checked_at=NOW),
    "old": record(ESTAB, "students", state="current", checked_at=NOW - timedelta(days=9)),
}
SCHOOLS = {
    "live": LIVE,
    "no scopes": replace(LIVE, scopes=()),
    "scope missing for good": replace(LIVE, missing_scopes={"Staff": None}),
    "refused": replace(LIVE, first_refused_at=NOW),
    "paused": replace(LIVE, state=SchoolState.PAUSED),
    "moved": replace(LIVE, state=SchoolState.PAUSED, cause="estab_changed: 1 is 2 now"),
    "revoked": replace(LIVE, state=SchoolState.REVOKED),
    "invited": replace(LIVE, state=SchoolState.INVITED),
    "being erased": replace(LIVE, erasure_requested_at=NOW),
    "erased": replace(LIVE, state=SchoolState.ERASED),
}


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("school", SCHOOLS)
def test_the_index_has_exactly_the_schools_whose_attention_is_trouble(
    school: str, item: str
) -> None:
    now = NOW + timedelta(hours=1)
    found = worst_trouble([ITEMS[item]], configured(), NOW, now)
    noted = replace(SCHOOLS[school], data_trouble=found)
    shown = attention_of(noted, [ITEMS[item]], configured(), now)
    trouble = trouble_of(noted)
    assert (trouble is not None) is (shown.severity is Severity.TROUBLE)
    assert trouble is None or (trouble.rank, trouble.since) == (shown.rank, shown.since)


def test_what_is_worse_sorts_first_then_what_is_older_then_what_nobody_knows_the_age_of() -> None:
    worst_first = [
        Trouble(80, NOW),
        Trouble(50, NOW - timedelta(days=1)),
        Trouble(50, NOW),
        Trouble(50),
        Trouble(5, NOW),
    ]
    assert sorted(worst_first, key=Trouble.text) == worst_first
    assert [parse_trouble(each.text()) for each in worst_first] == worst_first


def test_the_history_of_a_school_is_bounded_in_number_and_size() -> None:
    school = LIVE
    for number in range(3 * MOST_CHANGES):
        state = SchoolState.PAUSED if number % 2 else SchoolState.REVOKED
        school = change_state(school, state, "x" * 5000, NOW + timedelta(days=number))
    assert len(school.history) == MOST_CHANGES
    assert school.history[-1].at == NOW + timedelta(days=3 * MOST_CHANGES - 1)
    assert sum(len(each.cause) for each in school.history) <= 100 * MOST_CHANGES
