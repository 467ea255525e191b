"""That a report says how a trial went, and can be passed on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tools.demo.progress import Ended
from tools.trial.account import Account
from tools.trial.cleanup import Cleanup
from tools.trial.report import Report

NUMBER = "123456789012"
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def report(**facts: Any) -> Report:
    arn = f"arn:aws:iam::{NUMBER}:user/somebody"
    account = Account(NUMBER, arn, "eu-west-2", None, session=None)
    done = {"steps": [Ended("onboard schools", "✓", 1.25, "3 schools live")], "cleanup": Cleanup()}
    return Report("xporter-trial-1", account, NOW, **{**done, **facts})


def test_a_trial_succeeds_when_all_is_verified_and_all_is_gone() -> None:
    assert report().is_success
    assert report().document(NOW)["succeeded"] is True


@pytest.mark.parametrize(
    "facts",
    [
        {"steps": []},
        {"steps": [Ended("onboard schools", "✗", 1, "no data")]},
        {"steps": [Ended("onboard schools", "-", 0, "not begun")]},
        {"checks": [Ended("look at every alarm", "✗", 1, "one rings")]},
        {"error": "StackError: sam deploy failed"},
        {"cleanup": Cleanup(left=["DataKey: AccessDenied"])},
        {"cleanup": None},
    ],
)
def test_a_trial_fails_by(facts: dict[str, Any]) -> None:
    assert not report(**facts).is_success


def test_what_an_emulator_cannot_show_is_no_failure() -> None:
    checks = [Ended("ask every query", "-", 0, "only on AWS")]
    assert report(checks=checks, not_shown={"ask every query": "no SEARCH"}).is_success


def test_the_report_has_neither_the_accounts_number_nor_who_ran_it() -> None:
    left = Cleanup(left=[f"arn:aws:kms:eu-west-2:{NUMBER}:key/1: AccessDenied"])
    text = json.dumps(report(cleanup=left, error=f"denied to {NUMBER}").document(NOW))
    assert NUMBER not in text
    assert "somebody" not in text
    assert "********9012" in text
