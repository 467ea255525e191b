"""The tombstones of erased people: what they tell, when there is work, what they let through."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.builders import NOW
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.schools.erased_people import (
    LAST_LOOK_AFTER,
    MOST,
    ErasedPeople,
    OpenedPeople,
    PersonTombstone,
    search_id,
)
from xporter_bridge.schools.people_form import people_attributes, read_people
from xporter_bridge.xporter.people import PersonKind

PUPIL, STAFF = PersonKind.PUPIL, PersonKind.STAFF
KEY = b"k" * 32
LATER = NOW + timedelta(minutes=1)


def opened(*people: tuple[PersonKind, str], key: bytes = KEY) -> OpenedPeople:
    plain = OpenedPeople(key, frozenset())
    return OpenedPeople(key, frozenset(plain.digest(who) for who in people))


def erased(*digests: str) -> ErasedPeople:
    people = ErasedPeople(b"wrapped")
    for digest in digests:
        people = people.adding(digest, PUPIL, NOW)
    return people


def test_a_digest_tells_nobody_who_it_is_without_the_key() -> None:
    digest = opened().digest((PUPIL, "9919"))
    assert opened(key=b"x" * 32).digest((PUPIL, "9919")) != digest
    assert "9919" not in digest
    assert (len(digest), digest) == (32, opened().digest((PUPIL, " PL-9919")))
    assert opened().digest((STAFF, "9919")) != digest
    assert KEY.decode() not in repr(opened((PUPIL, "9919")))


def test_a_row_about_an_erased_person_is_not_allowed_and_a_mention_is_taken_out() -> None:
    people = opened((PUPIL, "9919"))
    assert people.allowed("Students", {"Id": "9919"}) is None
    assert people.allowed("StudentContact", {"Id": "PL-9919.PC-1"}) is None
    group = {"Id": "1", "StudentIds": "9919,2"}
    assert people.allowed("Group", group) == {"Id": "1", "StudentIds": "2"}
    other = {"Id": "9918"}
    assert people.allowed("Students", other) is other
    assert people.allowed("Staff", {"Id": "9919"}) is not None
    assert people.erased_of("Students", {"Id": "9919"}) == people.digests
    assert people.erased_in(group) == people.digests


def test_a_writeback_names_people_at_any_depth() -> None:
    people = opened((PUPIL, "9919"), (STAFF, "7"))
    assert people.are_named_in([{"Marks": [{"StudentId": 1}, {"StudentId": 9919}]}])
    assert people.are_named_in({"Conducts": [{"Id": 1, "RecordedById": "PWT-7"}]})
    assert people.are_named_in({"Staff": ({"StaffId": 7},)})
    assert not people.are_named_in({"Marks": [{"StudentId": 7, "Note": "9919"}]})


def test_work_ends_with_the_last_look() -> None:
    asked = erased("a", "b")
    assert (len(asked.pending), asked.has_work, asked.last_look_at) == (2, True, None)
    done = asked.erased(asked.pending, LATER)
    assert (done.pending, done.has_work) == ((), True)
    assert done.last_look_at == LATER + LAST_LOOK_AFTER
    seen = done.verified(done.tombstones, LATER + LAST_LOOK_AFTER)
    assert (seen.has_work, seen.last_look_at, seen.watch_at) == (False, None, None)


def test_only_those_who_were_seen_are_marked() -> None:
    seen = erased("a")
    now = seen.adding("b", PUPIL, LATER)
    marked = now.erased(seen.pending, LATER)
    assert [each.digest for each in marked.pending] == ["b"]
    # Requested once more while the search went on: what it found may be of before.
    again = seen.adding("a", PUPIL, LATER).erased(seen.pending, LATER)
    assert [each.digest for each in again.pending] == ["a"]
    assert seen.verified(seen.tombstones, LATER).tombstones == seen.tombstones


def test_a_lifted_tombstone_is_gone_at_once_and_leaves_work() -> None:
    lifted = erased("a").erased(erased("a").pending, NOW).without("a", LATER)
    assert (lifted.tombstones, lifted.has_work, lifted.lifted_at) == ((), True, LATER)
    assert not lifted.pulled_anew(LATER).has_work
    assert lifted.without("a", LATER + timedelta(1)).pulled_anew(LATER).has_work


def test_the_watchdog_waits_for_the_message_and_then_for_half_an_hour() -> None:
    asked = erased("a")
    assert asked.watch_at == NOW + timedelta(minutes=5)
    watched = asked.watched(NOW + timedelta(minutes=5))
    assert watched.watch_at == NOW + timedelta(minutes=35)
    done = asked.erased(asked.pending, NOW)
    assert done.watch_at == NOW + LAST_LOOK_AFTER + timedelta(minutes=5)
    lifted = replace(done.verified(done.tombstones, NOW), lifted_at=LATER)
    assert lifted.watch_at == LATER + timedelta(minutes=5)


def test_a_search_is_known_by_whom_it_is_for_and_by_which_look_it_is() -> None:
    people = erased("a", "b")
    asked, last = people.tombstones, people.erased(people.pending, LATER).tombstones
    again = people.adding("a", PUPIL, LATER).tombstones
    others = (asked, last, again, asked[:1], asked[1:], ())
    assert len({search_id(each) for each in others}) == len(others)
    assert search_id(reversed(asked)) == search_id(asked)
    # As it was stored by earlier versions.
    assert search_id(asked) == "2f327622c769f10a"
    assert search_id(read_people(people_attributes(people)).tombstones) == search_id(asked)  # type: ignore[union-attr]


def test_there_is_an_end_to_tombstones() -> None:
    full = ErasedPeople(b"wrapped", tuple(PersonTombstone(str(n), PUPIL, NOW) for n in range(MOST)))
    assert len(full.adding("0", PUPIL, LATER).tombstones) == MOST
    with pytest.raises(RequestRejectedError, match="1000 people") as rejected:
        full.adding("new", PUPIL, LATER)
    assert rejected.value.status == 409
    assert (full.find("7"), full.find("new")) == (full.tombstones[7], None)


def test_tombstones_are_stored_and_read_alike() -> None:
    asked = erased("a", "b")
    for people in (
        asked,
        asked.erased(asked.pending, LATER).watched(LATER),
        replace(asked.without("a", LATER), tombstones=()),
        None,
    ):
        stored = people_attributes(people)
        kept = {name: value for name, value in stored.items() if value}
        assert read_people(kept) == people
    later_version = people_attributes(asked) | {"people_tier": 2}
    assert read_people({k: v for k, v in later_version.items() if v}) == asked


def test_digests_are_what_they_always_were() -> None:
    # Another form, and everybody who was erased would come back.
    people = opened()
    assert people.digest((PUPIL, "9919")) == "27eee2f3ab65d802b17a32bae9f45fa2"
    assert people.digest((STAFF, "\ud800")) == "0c0c6ee6134aeb4fcb21e6ae525c6a52"
    assert people.row_digest(b"a row") == "a4f001711f74fdaf"


def test_a_person_is_looked_up_once() -> None:
    people = opened((PUPIL, "9919"))
    assert people.is_erased((PUPIL, "9919"))
    people._seen[PUPIL, "9919"] = False
    assert not people.is_erased((PUPIL, "9919"))
