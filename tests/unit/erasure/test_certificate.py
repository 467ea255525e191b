"""The certificate of one person's erasure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.erasure.certificate import Certificate, DatasetErasure, of_request
from xporter_bridge.schools.erased_people import PersonTombstone
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter.people import PersonKind

PERSON = PersonTombstone("d" * 32, PersonKind.PUPIL, NOW)
DONE = DatasetErasure("students", 7, {"Students": 1}, {}, {"Students": "abc"})


def test_the_same_sequence_again_counts_once() -> None:
    once = Certificate.begun(ESTAB, PERSON).adding(DONE)
    assert once.adding(DONE) == once
    assert once.facts["datasets"] == {
        "students": {"7": {"rows": {"Students": 1}, "mentions": {}, "sha256": {"Students": "abc"}}}
    }


def test_it_says_for_how_long_backups_remember() -> None:
    erased_at = NOW + timedelta(minutes=1)
    person = PersonTombstone(PERSON.digest, PERSON.kind, NOW, erased_at, None)
    facts = Certificate.begun(ESTAB, PERSON).stamped(person).facts
    assert facts["backups_until"] == iso(erased_at + timedelta(days=35))
    assert (facts["erased_at"], facts["verified_at"]) == (iso(erased_at), None)


def test_it_is_read_as_it_was_written_and_not_otherwise() -> None:
    made = Certificate.begun(ESTAB, PERSON).adding(DONE).counting(objects=3, operations=1)
    document = made.document()
    assert Certificate.read(document) == made
    for change in ({"objects": 2}, {"estab": "3286198"}, {"sha256": "0" * 64}, {"more": 1}):
        with pytest.raises(ValueError, match="changed"):
            Certificate.read({**document, **change})


def test_one_of_earlier_code_goes_on_without_a_count_that_it_never_had() -> None:
    facts = dict(Certificate.begun(ESTAB, PERSON).facts)
    del facts["dead_letters"]
    early = Certificate.read(Certificate(facts).document())
    assert "dead_letters" not in early.counting(operations=1).facts
    assert early.counting(dead_letters=2).facts["dead_letters"] == 2


def test_a_request_of_later_begins_another_certificate() -> None:
    first = Certificate.begun(ESTAB, PERSON).adding(DONE)
    assert of_request(first, ESTAB, PERSON) is first
    again = PersonTombstone(PERSON.digest, PERSON.kind, NOW + timedelta(days=1))
    assert of_request(first, ESTAB, again).facts["datasets"] == {}
    assert of_request(None, ESTAB, PERSON) == Certificate.begun(ESTAB, PERSON)


def test_it_says_whose_and_what_and_nothing_that_is_not_known_yet() -> None:
    assert Certificate.begun(ESTAB, PERSON).facts == {
        "id": "d" * 32,
        "estab": ESTAB,
        "kind": "pupil",
        "requested_at": iso(NOW),
        "erased_at": None,
        "verified_at": None,
        "backups_until": None,
        "objects": 0,
        "operations": 0,
        "dead_letters": 0,
        "datasets": {},
    }


def test_what_is_deleted_adds_up() -> None:
    made = Certificate.begun(ESTAB, PERSON).counting(objects=3, operations=1, dead_letters=2)
    more = made.counting(objects=4).counting(operations=5).counting(dead_letters=6)
    counted = ("objects", "operations", "dead_letters")
    assert [more.facts[name] for name in counted] == [7, 6, 8]
    assert more.counting() == more
    bare = Certificate({}).counting(objects=2)
    assert bare.facts == {"objects": 2, "operations": 0}


def test_another_sequence_and_another_dataset_stand_beside_it() -> None:
    again, other = replace(DONE, sequence=8), replace(DONE, dataset="contacts")
    facts = Certificate.begun(ESTAB, PERSON).adding(DONE).adding(again).adding(other).facts
    assert {name: list(each) for name, each in facts["datasets"].items()} == {
        "students": ["7", "8"],
        "contacts": ["7"],
    }


def test_the_times_of_the_tombstone_are_written_once_they_are_known() -> None:
    begun = Certificate.begun(ESTAB, PERSON)
    assert begun.stamped(PERSON) == begun
    person = replace(PERSON, erased_at=NOW, verified_at=NOW + timedelta(minutes=15))
    stamped = begun.stamped(person)
    assert stamped.facts.keys() == begun.facts.keys()
    assert stamped.facts["verified_at"] == iso(NOW + timedelta(minutes=15))


def test_a_certificate_of_any_version_is_sealed_alike() -> None:
    facts = {"b": 1, "a": {"d": None, "c": [2]}}
    document = {
        **facts,
        "sha256": "27b8b46ecdc9cde3e81381d7504d3c14dbd826d38d7276e631ecf32544abfa63",
    }
    assert Certificate(facts).document() == document
    assert Certificate.read({"sha256": document["sha256"], "a": facts["a"], "b": 1}).facts == facts
