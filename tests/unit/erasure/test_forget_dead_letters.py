"""Which dead letters name an erased person."""

import json
from typing import Any

import pytest

from tests.support.builders import ESTAB
from xporter_bridge.erasure.forget_dead_letters import names_an_erased_person
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.xporter.people import PersonKind

KEY = b"k" * 32
_NOBODY = OpenedPeople(KEY, frozenset())
PEOPLE = OpenedPeople(
    KEY,
    frozenset({_NOBODY.digest((PersonKind.PUPIL, "17")), _NOBODY.digest((PersonKind.STAFF, "4"))}),
)


def letter(estab: Any, payload: Any) -> str:
    return json.dumps({"estab": estab, "kind": "attendance", "payload": payload})


@pytest.mark.parametrize(
    "payload",
    [
        {"Marks": [{"StudentId": "18"}, {"StudentId": "17", "Mark": "L"}]},
        {"Marks": [{"studentid": 17}]},
        {"Conducts": [{"Points": 1, "Students": [{"StudentId": "PL-17"}]}]},
        {"Conducts": [{"StaffIds": ["3", "4"]}]},
        [{"StudentIds": "16,17"}],
    ],
)
def test_a_letter_names_a_person_at_any_depth(payload: Any) -> None:
    assert names_an_erased_person(letter(ESTAB, payload), ESTAB, PEOPLE)
    assert names_an_erased_person(letter(int(ESTAB), payload), ESTAB, PEOPLE)
    assert not names_an_erased_person(letter("3286198", payload), ESTAB, PEOPLE)


@pytest.mark.parametrize(
    "body",
    [
        letter(ESTAB, {"Marks": [{"StudentId": "18"}]}),
        letter(ESTAB, {"Marks": [{"StaffId": "17"}]}),
        json.dumps({"estab": ESTAB, "id": "17"}),
        json.dumps([ESTAB, {"StudentId": "17"}]),
        "17",
        "{",
        "",
    ],
)
def test_any_other_letter_names_nobody(body: str) -> None:
    assert not names_an_erased_person(body, ESTAB, PEOPLE)
