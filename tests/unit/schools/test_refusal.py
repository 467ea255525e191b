"""The sentence with which a request is refused because of the school's state."""

from dataclasses import replace

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.schools.model import School
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.schools.states import PULLABLE, SchoolState

SCHOOL = School(ESTAB, scopes=("Student",), version=1)


@pytest.mark.parametrize("state", sorted(set(SchoolState) - PULLABLE))
def test_a_refusal_names_the_state_and_why_it_refuses(state: SchoolState) -> None:
    says = why_refused(replace(SCHOOL, state=state))
    assert says.startswith(f"the school is {state}: ")
    assert replace(SCHOOL, state=state).next_step not in says


@pytest.mark.parametrize("state", SchoolState)
def test_a_school_that_is_being_erased_is_never_called_live(state: SchoolState) -> None:
    says = why_refused(replace(SCHOOL, state=state, erasure_requested_at=NOW))
    assert says == "the school is being erased: no request about it is accepted any more"


def test_a_school_whose_secret_opens_another_is_refused_for_that() -> None:
    moved = replace(SCHOOL, state=SchoolState.PAUSED, cause="estab_changed: 1 is 2 now")
    assert "its secret opens another school" in why_refused(moved)


@pytest.mark.parametrize("state", sorted(PULLABLE))
def test_a_live_school_can_only_lack_its_secret(state: SchoolState) -> None:
    says = why_refused(replace(SCHOOL, state=state))
    assert says == f"the school is {state}, but no secret of it is stored"
