"""Schools that have authorised the application at Xporter, beside those of a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.support.builders import ESTAB, RELYING_PARTY
from tests.support.xporter import Xporter
from tools.operator.errors import OperatorError
from tools.operator.management import Management
from tools.operator.reconciliation import differences
from tools.simulator.service.application import Application
from xporter_bridge.schools.states import SchoolState


def test_the_simulator_lists_the_schools_that_authorised_us(xporter: Xporter) -> None:
    xporter.school()
    management = Management(xporter.url)
    management.take_token(RELYING_PARTY, Application().management_secret)
    assert ESTAB in management.authorised_schools(RELYING_PARTY)
    xporter.set_school(revoked=True)
    assert ESTAB not in management.authorised_schools(RELYING_PARTY)


def test_without_a_management_token_nothing_is_listed(xporter: Xporter) -> None:
    with pytest.raises(OperatorError, match="did not list the schools"):
        Management(xporter.url).authorised_schools(RELYING_PARTY)


@pytest.mark.parametrize(
    ("document", "schools"),
    [
        ({"Tokens": [{"estab": "3281102", "token": "t"}]}, {"3281102"}),
        ({"tokens": [{"Estab": 3281102}, {"estab": "328/1103"}]}, {"3281102", "3281103"}),
        ({"Tokens": [{"token": "t"}, None, "3281102", {"estab": None}]}, set()),
        ({"Tokens": []}, set()),
    ],
)
def test_an_answer_in_another_form_is_read_too(
    document: Any, schools: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 200, json.dumps(document).encode()
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answer)
    assert Management("https://xporter.example").authorised_schools("live.a.app") == schools


@pytest.mark.parametrize("document", [{"Message": "gone"}, {"Tokens": None}, {"Tokens": {}}, []])
def test_an_answer_without_the_list_is_not_taken_for_no_schools(
    document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 200, json.dumps(document).encode()
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answer)
    with pytest.raises(OperatorError, match="did not list the schools"):
        Management("https://xporter.example").authorised_schools("live.a.app")


@pytest.mark.parametrize("state", ["unknown", "invited", "revoked", "erased"])
def test_an_authorisation_that_the_stack_does_not_have_is_found(state: str) -> None:
    here = {} if state == "unknown" else {"3281102": state}
    (found,) = differences({"3281102"}, here)
    assert (found.estab, found.state) == ("3281102", state)
    assert found.says
    assert found.do


@pytest.mark.parametrize("state", ["authorised", "installed", "live"])
def test_a_school_that_xporter_does_not_list_is_found(state: str) -> None:
    (found,) = differences(set(), {"3281102": state})
    assert (found.state, state in found.says) == (state, True)


@pytest.mark.parametrize("state", list(SchoolState))
def test_in_every_state_a_school_is_found_in_one_case_at_most_but_when_both_agree(
    state: SchoolState,
) -> None:
    listed = differences({"3281102"}, {"3281102": str(state)})
    unlisted = differences(set(), {"3281102": str(state)})
    expected = 0 if state is SchoolState.PAUSED else 1
    assert len(listed) + len(unlisted) == expected
