"""That a trial asks before it spends money, fits the account, and does what the page says."""

import io

import pytest

from tools.demo.steps import STEPS as DEMO_STEPS
from tools.demo.steps.resume_after_kill import resume_a_killed_pull
from tools.set_up import ROOT
from tools.trial.__main__ import introduction, is_confirmed
from tools.trial.account import Account
from tools.trial.bridge import concurrent_pulls
from tools.trial.plan import CHECKS, STEPS
from tools.trial.trial import new_name

REAL = Account("123456789012", "arn:aws:iam::123456789012:user/me", "eu-west-2", None, None)
EMULATED = Account("000000000000", "arn", "eu-west-2", "http://127.0.0.1:4566", None)
PAGE = (ROOT / "docs/trial.md").read_text(encoding="utf-8")


def test_every_step_of_the_demo_is_run_but_the_one_that_kills_a_process() -> None:
    demo = {step for group in DEMO_STEPS for step in group}
    assert {step for group in STEPS for step in group} >= demo - {resume_a_killed_pull}


def test_the_page_names_every_check_and_why_an_emulator_shows_less() -> None:
    for check in CHECKS:
        assert f"| {check.on_aws.__name__.replace('_', ' ')} |" in PAGE
        assert check.because in PAGE
        assert bool(check.because) == (check.on_emulator is not check.on_aws)


def test_somebody_learns_account_caller_and_region_before_they_agree() -> None:
    told = introduction(REAL, "xporter-trial-1", is_deletion=False)
    for fact in (REAL.number, REAL.caller, REAL.region, "xporter-trial-1", "dollar"):
        assert fact in told
    assert "dollar" not in introduction(EMULATED, "xporter-trial-1", is_deletion=False)
    assert "deletes xporter-trial-1 " in introduction(REAL, "xporter-trial-1", is_deletion=True)


def test_nobody_at_the_terminal_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert not is_confirmed()


@pytest.mark.parametrize(("answer", "is_yes"), [("yes", True), (" YES ", True), ("y", False)])
def test_only_yes_is_a_yes(answer: str, is_yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert is_confirmed() is is_yes


@pytest.mark.parametrize(
    ("limit", "pulls"), [(10, 2), (81, 2), (84, 3), (100, 8), (250, 20), (1000, 20)]
)
def test_as_many_pulls_run_as_the_account_has_room_for(limit: int, pulls: int) -> None:
    assert concurrent_pulls(limit) == pulls


def test_no_two_trials_have_one_name() -> None:
    names = {new_name() for _ in range(100)}
    assert len(names) == 100
    # The artifacts bucket's name is the longest, and ends with the account's number.
    assert all(len(f"{name}-123456789012-artifacts") <= 63 for name in names)
