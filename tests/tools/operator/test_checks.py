"""What `xporter-bridge doctor` says of checks that cannot be made."""

from types import SimpleNamespace
from typing import Any

import pytest

from tools.operator import checks
from tools.operator.checks import Check, examine
from tools.operator.errors import (
    AwsRefusedError,
    NotAllowedError,
    NotReachableError,
    OperatorError,
)


def examined(error: OperatorError, *, is_emulated: bool, monkeypatch: Any) -> Check:
    def fail(*_: Any) -> Check:
        raise error

    monkeypatch.setattr(checks, "EXAMINATIONS", (("alarms", fail),))
    target: Any = SimpleNamespace(is_emulated=is_emulated)
    (check,) = examine(target, target)
    return check


@pytest.mark.parametrize("is_emulated", [True, False])
def test_what_an_emulator_does_not_answer_is_said_and_not_wrong(
    monkeypatch: pytest.MonkeyPatch, is_emulated: bool
) -> None:
    error = AwsRefusedError("AWS refused DescribeAlarms (InvalidAction)")
    check = examined(error, is_emulated=is_emulated, monkeypatch=monkeypatch)
    assert (check.ok, check.skipped) == (is_emulated, is_emulated)
    assert "Not checked" in check.says


@pytest.mark.parametrize("is_emulated", [True, False])
def test_a_missing_right_is_wrong_everywhere(
    monkeypatch: pytest.MonkeyPatch, is_emulated: bool
) -> None:
    error = NotAllowedError("you are not allowed sqs:X", "ask")
    check = examined(error, is_emulated=is_emulated, monkeypatch=monkeypatch)
    assert not check.ok
    assert "sqs:X" in check.says


def test_what_does_not_answer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    error = NotReachableError("the API does not answer", "check the network")
    check = examined(error, is_emulated=True, monkeypatch=monkeypatch)
    assert (check.ok, check.do) == (False, "Check the network.")
