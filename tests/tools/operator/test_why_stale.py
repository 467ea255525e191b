"""Why is 3281102 stale? The one right cause and the next step, from what is stored.

Each case is a school as its items lie in the tables; what the API shows of them goes into the
diagnosis, its history too. A case must yield its cause alone: a second one would send a person to
the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from tests.support.records import with_facts
from tests.tools.operator.test_diagnosis import DATABASES, ESTAB, LAST_NIGHT, NOW, SCHOOL, healthy
from tools.operator.diagnosis import diagnose
from tools.operator.findings import Code, Facts, Finding
from tools.operator.remembered import heard_at
from xporter_bridge.api.history_views import present_history
from xporter_bridge.api.presenters import present_school
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import with_attempt
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.attention import Severity
from xporter_bridge.schools.model import School
from xporter_bridge.schools.states import SchoolState

DAYS = timedelta(days=1)
LONG_AGO = NOW - 20 * DAYS


def every(**facts: object) -> list[DatasetRecord]:
    """Return every dataset, differing from a healthy one in these facts."""
    return [healthy(name, **facts) for name in configured()]


def only(name: str, **facts: object) -> list[DatasetRecord]:
    return [healthy(each, **(facts if each == name else {})) for each in configured()]


def tried(item: DatasetRecord, reason: str, times: int = 6) -> DatasetRecord:
    """Return the dataset after pulls that failed for a reason, as they are stored."""
    for number in range(times):
        at = LAST_NIGHT + number * timedelta(minutes=20)
        item = with_attempt(item, AttemptOutcome.FAILED, at, reason)
    return item


def failing(reason: str) -> list[DatasetRecord]:
    facts = {"reason": reason, "failures": 6, "checked_at": NOW - 3 * DAYS}
    return [
        tried(with_facts(item, retry_at=NOW + timedelta(minutes=30)), reason)
        for item in every(**facts)
    ]


@dataclass(frozen=True)
class Case:
    """A stored school, its one right cause, and words of the right next step."""

    code: Code
    step: str
    school: School = SCHOOL
    items: Callable[[], list[DatasetRecord]] = every
    breaker_opened_at: datetime | None = None


OLD = {"as_of": LONG_AGO, "checked_at": NOW - 3 * DAYS}
CASES = {
    "paused": Case(
        Code.PAUSED,
        "ask the school to finish choosing",
        replace(SCHOOL, state=SchoolState.PAUSED, state_since=NOW - 3 * DAYS),
        lambda: every(**OLD),
    ),
    "revoked": Case(
        Code.REVOKED,
        "let it authorise again",
        replace(SCHOOL, state=SchoolState.REVOKED, state_since=NOW - 3 * DAYS),
        lambda: every(**OLD),
    ),
    "about to be revoked": Case(
        Code.REVOKED,
        "whether it took its authorisation back",
        replace(SCHOOL, first_refused_at=NOW - DAYS),
        lambda: failing("secret_refused"),
    ),
    "scope missing": Case(
        Code.SCOPE_MISSING,
        "let it share the scopes again",
        replace(SCHOOL, missing_scopes={"Student": NOW + DAYS}),
    ),
    "Xporter failing": Case(
        Code.XPORTER_FAILING, "Xporter's support", items=lambda: failing("xporter_503")
    ),
    "MIS not refreshed": Case(
        Code.MIS_NOT_REFRESHED,
        "Xporter's agent run",
        items=lambda: every(as_of=LONG_AGO, heard_at=LONG_AGO + timedelta(minutes=10)),
    ),
    "MIS not refreshed, all summer": Case(
        Code.MIS_NOT_REFRESHED,
        "holidays are the usual reason",
        items=lambda: every(as_of=NOW - 40 * DAYS, heard_at=NOW - 40 * DAYS),
    ),
    "webhook lost": Case(
        Code.WEBHOOK_LOST,
        f"xporter-bridge ask {ESTAB}",
        items=lambda: every(heard_at=NOW - 3 * DAYS),
    ),
    "webhook not registered": Case(
        Code.WEBHOOK_LOST, f"xporter-bridge ask {ESTAB}", replace(SCHOOL, registrations={})
    ),
    "our own fault, as it says": Case(
        Code.OUR_FAULT, "xporter-bridge tail", items=lambda: failing("unexpected_fault")
    ),
    "our own fault, as AWS says": Case(
        Code.OUR_FAULT, "xporter-bridge tail", items=lambda: failing("s3:PutObject: AccessDenied")
    ),
    "our own fault, and nothing says so": Case(
        Code.OUR_FAULT,
        "xporter-bridge doctor",
        items=lambda: every(
            checked_at=NOW - 2 * DAYS, heard_at=NOW - timedelta(hours=8), requested=9, served=8
        ),
    ),
    "held change": Case(
        Code.HELD,
        f"hold approve {ESTAB} students",
        items=lambda: only("students", state=DatasetState.HELD, hold={}, as_of=LAST_NIGHT),
    ),
    "fleet breaker": Case(
        Code.FLEET_BREAKER,
        "look at Xporter's status",
        items=lambda: every(checked_at=NOW - 2 * DAYS, requested=9, served=8),
        breaker_opened_at=NOW - timedelta(hours=5),
    ),
    "never authorised": Case(
        Code.NEVER_AUTHORISED,
        "invite the school anew",
        School(ESTAB, state=SchoolState.INVITED, last_refusal="secret_refused", version=1),
        list,
    ),
    "not installed": Case(
        Code.NEVER_AUTHORISED,
        "finish the installation",
        replace(SCHOOL, state=SchoolState.AUTHORISED, registrations={}),
        list,
    ),
}


def diagnosed(case: Case) -> list[Finding]:
    items = case.items()
    view = present_school(case.school, items, configured(), NOW).model_dump(mode="json")
    history = present_history(case.school, items, configured(), NOW).model_dump(mode="json")
    return diagnose(Facts(ESTAB, view, NOW, heard_at(history), case.breaker_opened_at))


@pytest.mark.parametrize("name", CASES)
def test_a_stale_school_has_its_one_right_cause_and_the_next_step(name: str) -> None:
    case = CASES[name]
    found = diagnosed(case)
    assert [each.code for each in found] == [case.code]
    assert case.step in found[0].do


# Without a webhook the data are asked for daily: they are as fresh as was promised.
@pytest.mark.parametrize("name", [n for n in CASES if CASES[n].code is not Code.WEBHOOK_LOST])
def test_the_sentence_beside_it_never_says_that_all_is_well(name: str) -> None:
    case = CASES[name]
    view = present_school(case.school, case.items(), configured(), NOW)
    assert view.attention.severity is not Severity.NONE


def test_the_cases_are_all_causes_that_there_are() -> None:
    assert {case.code for case in CASES.values()} == set(Code) - {Code.ERASED, Code.NONE}
    assert DATABASES
