"""Invitations, against the simulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import ESTAB, RELYING_PARTY
from tests.support.xporter import Xporter
from tools.operator.errors import NotReachableError, OperatorError, RefusedError, WrongUseError
from tools.operator.invitations import Invitation, kind_of, refusal_of
from tools.operator.management import Management
from tools.simulator.service.application import Application

SECRET = Application().management_secret
INVITATION = Invitation(
    estab=ESTAB,
    name="A School",
    first_name="Jo",
    last_name="Doe",
    email="jo@school.example",
    phone="01234",
    kind="Live",
    application=RELYING_PARTY,
    partner="A Company",
    partner_email="ops@company.example",
)


def management(xporter: Xporter, secret: str = SECRET) -> Management:
    made = Management(xporter.url)
    made.take_token(RELYING_PARTY, secret)
    return made


def test_a_school_is_invited_with_a_management_token(xporter: Xporter) -> None:
    management(xporter).invite(INVITATION)
    assert xporter.paths().count("POST /api/manage/schoolregister") == 1


def test_xporters_reason_is_told(xporter: Xporter) -> None:
    with pytest.raises(OperatorError, match="School not found in EduBase"):
        management(xporter).invite(replace(INVITATION, estab="0001102"))
    with pytest.raises(OperatorError, match="PartnerApplicationId is not known"):
        management(xporter).invite(replace(INVITATION, application="live.other.app"))


def test_without_a_management_token_nobody_is_invited(xporter: Xporter) -> None:
    with pytest.raises(RefusedError):
        management(xporter, "wrong")
    with pytest.raises(OperatorError):
        Management(xporter.url).invite(INVITATION)


def test_a_silent_xporter_may_have_sent_the_invitation(xporter: Xporter) -> None:
    with pytest.raises(NotReachableError, match="may have been sent"):
        Management("http://127.0.0.1:9").invite(INVITATION)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"Schools": [{"Status": "ok"}]}, ""),
        ({"schools": [{"status": "Error", "message": "closed"}]}, "closed"),
        ({"Schools": [{"Status": "Error"}]}, "Error"),
        ({"Schools": [{}]}, "no reason given"),
        ({"Schools": []}, "an answer without the school"),
        ({"Schools": ["OK"]}, "an answer without the school"),
        ({"Message": "Unauthorized"}, "Unauthorized"),
        ({"Schools": None, "ExceptionMessage": "no"}, "no"),
        (None, "an answer without the school"),
    ],
)
def test_only_ok_for_the_school_is_an_invitation(document: Any, why: str) -> None:
    assert refusal_of(document) == why


def test_a_test_application_invites_to_test_and_others_have_to_say() -> None:
    assert (kind_of("live.a.app"), kind_of("Test.a.app")) == ("Live", "Test")
    with pytest.raises(WrongUseError, match="--kind"):
        kind_of("a.app")


def test_a_password_is_never_sent_without_encryption() -> None:
    with pytest.raises(WrongUseError, match="https"):
        Management("http://xporter.example")
