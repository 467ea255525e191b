"""Schools that are paused or revoked for long: announced, looked at again, erased at last."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import (
    ESTAB,
    dataset_table,
    onboard,
    records,
    school_table,
    stored_school,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud, refusing
from tests.support.xporter import Xporter
from xporter_bridge.schools.announced_end import AnnouncedEnd
from xporter_bridge.schools.end import NOTICE
from xporter_bridge.schools.model import School, change_state
from xporter_bridge.schools.states import SchoolState

DAY = timedelta(days=1)
Changed = Callable[[School], School]


def now() -> datetime:
    return datetime.now(UTC)


def with_days(cloud: Cloud, days: int) -> None:
    cloud._parameters["EndedSchoolDays"] = str(days)


def run(cloud: Cloud, ends: Any = True) -> dict[str, Any]:
    """Do what a day does: the run, and the messages that it sends."""
    found = dict(cloud.invoke("watch_deadlines", {"ends": ends}))
    cloud.settle("AuthenticationQueue", "ErasureQueue")
    return found


def of(cloud: Cloud, estab: str = ESTAB) -> School:
    school = school_table(cloud).get(estab)
    assert school is not None
    return school


def change(cloud: Cloud, decide: Changed, estab: str = ESTAB) -> None:
    school_table(cloud).change(estab, decide)


def days_pass(cloud: Cloud, days: int, estab: str = ESTAB) -> None:
    """Put everything that the record says of the past so many days further back."""
    span = days * DAY

    def older(school: School) -> School:
        end = school.end
        if end:
            confirmed_at = end.confirmed_at and end.confirmed_at - span
            end = AnnouncedEnd(end.announced_at - span, end.at - span, confirmed_at)
        history = tuple(replace(each, at=each.at - span) for each in school.history)
        since = school.state_since and school.state_since - span
        refused_at = school.refused_at and school.refused_at - span
        return replace(school, end=end, history=history, state_since=since, refused_at=refused_at)

    change(cloud, older, estab)


def unused(cloud: Cloud, estab: str, days: int, **facts: Any) -> None:
    since = now() - days * DAY
    stored_school(cloud, estab, state=SchoolState.REVOKED, state_since=since, **facts)


def due(cloud: Cloud, estab: str) -> None:
    """Store a school whose end has come, and of which Xporter has just said that it is refused."""
    end = AnnouncedEnd(now() - 15 * DAY, now() - DAY, now())
    unused(cloud, estab, 100, end=end)


def trail(cloud: Cloud, estab: str = ESTAB) -> list[tuple[str, str, str]]:
    entries = CompanyApi(cloud).get(f"/v1/audit?subject={estab}").document["entries"]
    return [(each["action"], each["outcome"], each["by"]) for each in reversed(entries)]


def types(cloud: Cloud) -> list[str]:
    return [event["type"] for event in cloud.events()]


@pytest.fixture
def paused_school(connected: Cloud, xporter: Xporter) -> Cloud:
    """Return a cloud with a school that had data, and has paused for a year."""
    secret = xporter.school(students=5, scopes=["School", "Student"])
    onboard(connected, secret)
    connected.settle("PullQueue")
    assert dataset_table(connected).of_school(ESTAB)
    xporter.set_school(paused=True)
    change(
        connected, lambda it: change_state(it, SchoolState.PAUSED, "authorisation_paused", now())
    )
    days_pass(connected, 365)
    cloud_events_are_read(connected)
    with_days(connected, 90)
    return connected


def cloud_events_are_read(cloud: Cloud) -> None:
    cloud.invoke("watch_deadlines", {})
    cloud.events()
    cloud.take("RegistrationQueue")
    cloud.take("AuthenticationQueue")


def test_a_school_paused_for_a_year_is_announced_waits_and_is_erased(paused_school: Cloud) -> None:
    cloud, api = paused_school, CompanyApi(paused_school)
    assert run(cloud)["announce"] == 1
    view = api.get(f"/v1/schools/{ESTAB}").document
    assert view["ends_at"] > (now() + NOTICE - timedelta(minutes=1)).isoformat()
    assert view["attention"]["severity"] == "trouble"
    assert "will be erased" in view["attention"]["says"]
    for _ in range(13):
        days_pass(cloud, 1)
        run(cloud)
        assert of(cloud).state is SchoolState.PAUSED
    days_pass(cloud, 1)
    assert run(cloud)["look"] == 1
    assert of(cloud).state is SchoolState.PAUSED
    assert run(cloud)["erase"] == 1
    assert of(cloud).state is SchoolState.ERASED
    assert of(cloud).cause == "ended"
    assert dataset_table(cloud).of_school(ESTAB) == []
    assert types(cloud) == ["school.end_announced", "school.erased"]
    assert [(action, outcome) for action, outcome, _ in trail(cloud)] == [
        ("endSchool", "announced"), ("endSchool", "asked"), ("eraseSchool", "erased"),
    ]  # fmt: skip


def test_a_school_that_lets_us_in_again_at_the_last_look_is_live_and_not_erased(
    paused_school: Cloud, xporter: Xporter
) -> None:
    run(paused_school)
    days_pass(paused_school, 15)
    xporter.set_school(paused=False)
    assert run(paused_school)["look"] == 1
    school = of(paused_school)
    assert (school.state, school.end) == (SchoolState.INSTALLED, None)
    assert run(paused_school)["erase"] == 0
    assert types(paused_school)[:3] == [
        "school.end_announced", "school.end_withdrawn", "school.authorised",
    ]  # fmt: skip


def test_while_xporter_cannot_be_asked_nothing_is_erased(
    paused_school: Cloud, xporter: Xporter
) -> None:
    run(paused_school)
    days_pass(paused_school, 15)
    xporter.control("PUT", "faults", {"503": {"count": 1000}})
    for _ in range(3):
        assert run(paused_school)["erase"] == 0
    assert of(paused_school).state is SchoolState.PAUSED


def test_without_the_parameter_nothing_is_announced(cloud: Cloud) -> None:
    unused(cloud, ESTAB, 3000)
    assert set(run(cloud).values()) == {0}
    assert of(cloud).end is None


def test_a_parameter_that_is_taken_back_withdraws_what_was_announced(cloud: Cloud) -> None:
    with_days(cloud, 30)
    unused(cloud, ESTAB, 60)
    run(cloud)
    assert of(cloud).end
    with_days(cloud, 0)
    assert run(cloud)["withdraw"] == 1
    assert of(cloud).end is None
    assert types(cloud) == ["school.end_announced", "school.end_withdrawn"]
    assert [outcome for _, outcome, _ in trail(cloud)] == ["announced", "withdrawn"]


def test_more_schools_than_a_run_may_erase_are_held_and_a_person_may_let_them_go(
    cloud: Cloud,
) -> None:
    with_days(cloud, 90)
    estabs = [f"328110{number}" for number in range(4)]
    for estab in estabs:
        due(cloud, estab)
    found = run(cloud)
    assert (found["erase"], found["held"]) == (4, 4)
    assert {of(cloud, estab).state for estab in estabs} == {SchoolState.REVOKED}
    assert run(cloud, 4)["held"] == 0
    assert {of(cloud, estab).state for estab in estabs} == {SchoolState.ERASED}


def test_a_run_that_has_not_seen_every_school_erases_none(cloud: Cloud) -> None:
    with_days(cloud, 90)
    due(cloud, ESTAB)
    due(cloud, "3281103")
    left = iter([100.0])
    event = {"ends": True}
    found = cloud.invoke("watch_deadlines", event, remaining_seconds=lambda: next(left, 0.0))
    assert found["cut"] == 1
    cloud.settle("ErasureQueue")
    assert {of(cloud, each).state for each in (ESTAB, "3281103")} == {SchoolState.REVOKED}


def test_a_message_that_comes_late_twice_or_of_another_step_erases_nothing(cloud: Cloud) -> None:
    with_days(cloud, 90)
    unused(cloud, ESTAB, 100)
    erase = {"kind": "end", "estab": ESTAB, "step": "erase"}
    announce = {"kind": "end", "estab": ESTAB, "step": "announce"}
    for message in (erase, announce, announce, erase, {"kind": "end", "estab": "3289999"}):
        assert cloud.invoke("erase_data", records(message)) == {"batchItemFailures": []}
    school = of(cloud)
    assert (school.state, school.is_being_erased) == (SchoolState.REVOKED, False)
    assert types(cloud) == ["school.end_announced"]
    assert [outcome for _, outcome, _ in trail(cloud)] == ["announced"]


def test_an_announcement_without_its_entry_in_the_trail_is_noted_when_the_message_comes_again(
    cloud: Cloud,
) -> None:
    with_days(cloud, 90)
    unused(cloud, ESTAB, 100)
    message = records({"kind": "end", "estab": ESTAB, "step": "announce"})
    with refusing("dynamodb", "PutItem"):
        assert cloud.invoke("erase_data", message)["batchItemFailures"]
    assert of(cloud).end
    cloud.invoke("erase_data", message)
    assert [outcome for _, outcome, _ in trail(cloud)] == ["announced"]


def test_without_an_entry_in_the_trail_nothing_is_erased(cloud: Cloud) -> None:
    with_days(cloud, 90)
    due(cloud, ESTAB)
    message = records({"kind": "end", "estab": ESTAB, "step": "erase"})
    with refusing("dynamodb", "PutItem"):
        assert cloud.invoke("erase_data", message)["batchItemFailures"]
    assert not of(cloud).is_gone
    cloud.invoke("erase_data", message)
    assert of(cloud).is_gone
