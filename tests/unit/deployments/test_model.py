from typing import Any

import pytest

from tests.support.builders import KEY
from xporter_bridge.callbacks.signed_urls import CallbackKind, verify
from xporter_bridge.deployments.model import (
    Outcome,
    candidate,
    concerned,
    logical_id,
    prepared,
    problem,
)
from xporter_bridge.dry_run import MARK

FUNCTIONS = ["schedule_pulls", "plan_pulls"]
TOKEN = "an-unguessable-segment"


def report(**facts: Any) -> Outcome:
    said = {"ended_at": None, "status": None, "failed": 0, **facts}
    return Outcome({"statusCode": 503, "dry_run": said})


def test_a_function_is_named_in_the_template_like_its_folder() -> None:
    assert logical_id("schedule_pulls") == "SchedulePullsFunction"


def test_a_deployment_is_about_the_function_that_its_group_is_named_for() -> None:
    group = "a-stack-PlanPullsFunctionDeploymentGroup-1A2B3C"
    assert concerned(group, FUNCTIONS) == ["plan_pulls"]


def test_a_group_of_another_name_is_about_everything() -> None:
    assert concerned("whatever", FUNCTIONS) == FUNCTIONS


@pytest.mark.parametrize(
    ("live", "published", "expected"),
    [
        ("16", ["$LATEST", "16", "17"], "17"),
        ("9", ["10", "9", "8"], "10"),
        ("15", ["$LATEST", "15", "16", "17"], "17"),
        ("17", ["$LATEST", "16", "17"], None),
        ("1", ["$LATEST", "1"], None),
    ],
)
def test_the_newest_version_is_checked_unless_it_has_traffic_already(
    live: str, published: list[str], expected: str | None
) -> None:
    # While a stack is rolled back its aliases are moved to versions that had traffic before.
    assert candidate(live, published) == expected


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        (CallbackKind.DATABASE, "estab=3281102&database=XodSchoolData"),
        (CallbackKind.WRITEBACK, "estab=3281102&id=w-1&XodCompleted=True&trackingid=a.b"),
    ],
)
def test_an_example_of_a_receiver_is_signed_and_keeps_what_xporter_added(
    kind: CallbackKind, query: str
) -> None:
    example = {"rawQueryString": f"{query}&key=00000000&signature=none", "headers": {}}
    event = prepared(f"receive_{kind}", example, callback_keys=[KEY], authentication_token=TOKEN)
    given = dict(pair.split("=", 1) for pair in event["rawQueryString"].split("&"))
    assert verify(kind, given, keys=[KEY]).estab == "3281102"
    assert dict(pair.split("=") for pair in query.split("&")).items() <= given.items()
    assert (event[MARK], event["headers"]) == (True, {})
    assert MARK not in example


def test_an_example_of_the_authentication_callback_gets_the_token() -> None:
    example = {"pathParameters": {"token": "the-value-of-the-secret"}}
    event = prepared(
        "receive_authentication", example, callback_keys=[KEY], authentication_token=TOKEN
    )
    assert event["pathParameters"] == {"token": TOKEN}


def test_another_example_is_only_marked() -> None:
    event = prepared("plan_pulls", {"Records": []}, callback_keys=[], authentication_token="")
    assert event == {"Records": [], MARK: True}


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        ("receive_database", report(ended_at="sqs:SendMessage")),
        ("plan_pulls", report(ended_at="dynamodb:UpdateItem")),
        ("plan_pulls", report()),
        ("serve_api", report(status=200)),
        ("serve_api", report(status=404)),
        ("serve_api", report(ended_at="sqs:SendMessage")),
    ],
)
def test_a_good_version_has_no_problem(function: str, outcome: Outcome) -> None:
    assert problem(function, outcome) is None


@pytest.mark.parametrize(
    ("function", "outcome", "reason"),
    [
        ("plan_pulls", Outcome(None, "Runtime.ImportModuleError"), "raised Runtime.ImportMod"),
        ("plan_pulls", Outcome({"batchItemFailures": []}), "made no dry run"),
        ("render_widget", Outcome("<table>"), "made no dry run"),
        ("plan_pulls", report(failed=1), "failed its message"),
        ("receive_database", report(status=404), "refused a good callback with 404"),
        ("receive_database", report(status=202), "refused a good callback with 202"),
        ("receive_database", report(ended_at="dynamodb:PutItem"), "refused a good callback"),
        ("serve_api", report(status=400), "answered 400"),
        ("serve_api", report(status=500), "answered 500"),
    ],
)
def test_what_speaks_against_a_version_is_said(
    function: str, outcome: Outcome, reason: str
) -> None:
    assert (problem(function, outcome) or "").startswith(reason)
