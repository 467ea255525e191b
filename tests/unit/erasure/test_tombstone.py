"""What is left of a school or a dataset when it is erased."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import fact, record
from xporter_bridge.datasets.config import configured
from xporter_bridge.erasure.tombstone import (
    begun,
    cleared,
    erased_manifest,
    finished,
    is_erased,
    secrets_of,
    without_data,
)
from xporter_bridge.events.model import Event
from xporter_bridge.pulls.reconcile import erasure_reason, has_data
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.schools.credentials import Credentials, ErasedSecrets
from xporter_bridge.schools.erased_people import ErasedPeople
from xporter_bridge.schools.history import ENDED
from xporter_bridge.schools.model import Registration, School, unproved_until
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import staged_prefix, staging_prefix
from xporter_bridge.timestamps import iso

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=3)
SCHOOL = School(
    "3281102",
    state=SchoolState.LIVE,
    state_since=NOW,
    cause="first_data_committed",
    name="Testing School",
    scopes=("Student",),
    credentials=Credentials(b"key", secret=b"secret", token=b"token"),
    registrations={"XodSchoolData": Registration("XodSchoolData", "f", "k", NOW)},
    registrations_due_at=NOW,
    refusals=1,
    last_refusal="refused",
    probe_at=NOW,
    outbox=(Event("id", "school.live", iso(NOW), {"estab": "3281102"}),),
    version=7,
)
TOLD = {"estab", "state", "state_since", "cause", "outbox", "version", "erasure_requested_at"}


def test_why_a_school_is_erased_is_known_from_the_request_to_the_tombstone() -> None:
    asked, ended = begun(SCHOOL, NOW), begun(SCHOOL, NOW, cause=ENDED)
    assert (asked.cause, ended.cause) == ("first_data_committed", ENDED)
    assert cleared(ended, LATER).cause == ENDED
    assert finished(asked, LATER).cause == "erased_on_request"
    assert finished(ended, LATER).cause == ENDED


def test_from_the_request_on_nothing_is_known_but_where_the_school_stood() -> None:
    marked = begun(SCHOOL, NOW)
    blank = School("3281102")
    for field in fields(School):
        if field.name not in TOLD:
            assert getattr(marked, field.name) == getattr(blank, field.name), field.name
    assert (marked.state, marked.version, marked.outbox) == (SCHOOL.state, 7, SCHOOL.outbox)
    assert marked.is_being_erased
    assert not marked.is_pullable
    assert not marked.has_working_secret


def test_the_first_request_counts_and_a_callback_in_between_leaves_nothing() -> None:
    called = replace(begun(SCHOOL, NOW), credentials=SCHOOL.credentials, scopes=("Student",))
    again = begun(called, LATER)
    assert again == begun(SCHOOL, NOW)


def test_the_tombstone_says_when_and_is_announced_once() -> None:
    tombstone = finished(begun(SCHOOL, NOW), LATER)
    assert (tombstone.state, tombstone.state_since) == (SchoolState.ERASED, LATER)
    assert not tombstone.is_being_erased
    assert [event.type for event in tombstone.outbox] == ["school.live", "school.erased"]
    assert finished(tombstone, LATER) == tombstone
    assert begun(tombstone, LATER) == tombstone


SECRETS = ErasedSecrets(b"a wrapped key", ("a digest",))
PEOPLE = ErasedPeople(b"another wrapped key")


def test_erased_secrets_and_people_are_remembered_through_every_step() -> None:
    school = replace(SCHOOL, erased_secrets=SECRETS, erased_people=PEOPLE)
    marked = begun(school, NOW)
    for step in (marked, begun(marked, LATER), finished(marked, LATER), cleared(marked, LATER)):
        assert (step.estab, step.erased_secrets, step.erased_people) == ("3281102", SECRETS, PEOPLE)
    newer = ErasedSecrets(b"a wrapped key", ("a digest", "another"))
    assert begun(school, NOW, newer).erased_secrets == newer
    late = replace(finished(marked, LATER), credentials=SCHOOL.credentials)
    assert cleared(late, LATER).erased_secrets == SECRETS


def test_what_a_stranger_may_have_invented_leaves_a_tombstone_that_expires_unannounced() -> None:
    stranger = School("3281102", state=SchoolState.INVITED, state_since=NOW, expires_at=NOW)
    ended = finished(begun(stranger, NOW), LATER)
    assert (ended.estab, ended.state, ended.state_since) == ("3281102", SchoolState.ERASED, LATER)
    assert (ended.cause, ended.expires_at) == ("erased_on_request", unproved_until(LATER))
    assert ended.outbox == ()
    again = begun(replace(stranger, outbox=SCHOOL.outbox), NOW)
    assert (again.expires_at, again.outbox) == (NOW, SCHOOL.outbox)


def test_a_tombstone_says_why_and_remembers_no_changes_of_state() -> None:
    tombstone = finished(begun(SCHOOL, NOW), LATER)
    assert (tombstone.cause, tombstone.history) == ("erased_on_request", ())


def test_a_callback_while_a_school_is_erased_does_not_move_the_time_of_the_request() -> None:
    called = replace(begun(SCHOOL, NOW), credentials=SCHOOL.credentials)
    assert cleared(called, LATER).erasure_requested_at == NOW


def test_secrets_are_told_apart_from_tokens() -> None:
    held = Credentials(b"key", secret=b"secret", secret_digest="d", token=b"token")
    held = replace(held, pending_secret=b"p")
    school = replace(SCHOOL, credentials=held)
    renewed = replace(school, credentials=replace(held, token=b"another"))
    assert secrets_of(school) == secrets_of(renewed) == ("d", (b"p",))
    assert secrets_of(replace(school, credentials=None)) == ("", ())
    for change in ({"secret_digest": "e"}, {"pending_secret": None}):
        assert secrets_of(replace(school, credentials=replace(held, **change))) != ("d", (b"p",))


def test_what_is_put_back_into_a_tombstone_is_taken_away_again() -> None:
    tombstone = finished(begun(SCHOOL, NOW), LATER)
    late = replace(tombstone, registrations=SCHOOL.registrations, scopes=("Student",))
    assert cleared(late, LATER) == tombstone
    assert cleared(SCHOOL, LATER) == SCHOOL
    called = replace(begun(SCHOOL, NOW), credentials=SCHOOL.credentials)
    assert cleared(called, LATER) == begun(SCHOOL, NOW)


def test_a_school_that_nobody_asked_to_erase_is_never_a_tombstone() -> None:
    assert finished(SCHOOL, NOW) == SCHOOL


def test_work_in_progress_of_every_dataset_lies_under_the_schools_own_prefix() -> None:
    assert staging_prefix("3281102", "students", "p1").startswith(staged_prefix("3281102"))
    assert not staging_prefix("32811021", "students").startswith(staged_prefix("3281102"))


def test_an_erased_dataset_keeps_its_sequence_and_nothing_that_a_pull_would_follow() -> None:
    item = record(
        "3281102",
        "contacts",
        state=DatasetState.CURRENT,
        requested=4,
        served=3,
        fence=9,
        sequence=6,
        fingerprint="f",
        next_changed_rows="hash",
        manifest={"tables": {"Contacts": {}}},
        as_of=iso(NOW),
        checked_at=iso(NOW),
        checkpoint=PullCheckpoint("p", 4, "f", "hash", NOW),
        hold={},
        unpublished={"to": "from"},
        columns={"Contacts": ["Surname"]},
    )
    last = erased_manifest(item, "scope_removed", NOW)
    assert (last.sequence, last.tables) == (7, {})
    assert last.erased == {"at": iso(NOW), "reason": "scope_removed"}
    assert (last.estab, last.dataset, last.pull_id) == ("3281102", "contacts", None)
    assert (last.as_of, last.completed_at, last.stale) == (NOW, NOW, False)
    emptied = without_data(item, last, "scope_removed", NOW)
    assert is_erased(emptied)
    assert emptied.reason == "scope_removed"
    assert emptied.published.expires_at == NOW + timedelta(days=30)
    assert not is_erased(item)
    assert (emptied.state, emptied.published.sequence, emptied.lease.fence) == (
        DatasetState.ERASED,
        7,
        9,
    )
    assert (emptied.demand.requested, emptied.progress.served) == (4, 3)
    forgotten = ("fingerprint", "next_changed_rows", "checkpoint", "hold", "unpublished", "columns")
    for name in (*forgotten, "as_of", "checked_at"):
        assert not fact(emptied, name), name
    [event] = emptied.outbox
    assert event["type"] == "dataset.changed"
    assert event["data"]["manifest_key"].endswith("/0000000007.json")


# -- what may be held no longer


def pulled_item(name: str = "students", **facts: Any) -> DatasetRecord:
    pulled: dict[str, Any] = {
        "scopes": ("Student", "StudentExtended", "UPN"),
        "manifest": {"tables": {"T": {}}},
    }
    return record("3281102", name, **{**pulled, **facts})


@pytest.mark.parametrize(
    ("granted", "reason"),
    [
        (["Student", "StudentExtended", "UPN", "Staff"], ""),
        (["student", "studentextended", "upn"], ""),
        (["Student", "StudentExtended"], "scope_removed"),
        (["StudentLite", "StudentExtended", "UPN"], ""),
        (["Staff"], "scope_removed"),
        ([], "scope_removed"),
    ],
)
def test_what_a_scope_covered_must_go_with_it_be_it_the_whole_or_some_columns(
    granted: list[str], reason: str
) -> None:
    assert erasure_reason(pulled_item(), configured()["students"], granted) == reason


def test_what_is_configured_no_longer_goes_only_with_a_scope_that_it_was_pulled_under() -> None:
    item = pulled_item("configured-no-longer")
    assert erasure_reason(item, None, ["Student", "StudentExtended", "UPN"]) == ""
    assert erasure_reason(item, None, ["Student"]) == "scope_removed"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"manifest": {}, "hold": {}},
        {"manifest": None, "checkpoint": PullCheckpoint("p", 1, "f", "*", NOW)},
        {"manifest": None, "lease_expires_at": iso(NOW + timedelta(minutes=1))},
    ],
)
def test_data_is_also_what_is_held_or_being_fetched(facts: dict[str, Any]) -> None:
    assert has_data(pulled_item(**facts), NOW)


def test_a_tombstone_is_no_data() -> None:
    assert not has_data(pulled_item(manifest={"tables": {}}), NOW)
