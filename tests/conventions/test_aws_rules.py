"""The stack that the template makes in a real account, against AWS's own rules."""

import copy
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
import pytest

from tests.support import translated_template
from tests.support.aws_rules import RULES
from tests.support.translated_template import Stack

Break = Callable[[Stack], Any]


@cache
def prod() -> Stack:
    return translated_template.prod()


def secret(stack: Stack) -> dict[str, Any]:
    return stack.of("AWS::SecretsManager::Secret")["CallbackKeySecret"]


def query(text: str) -> Break:
    def change(stack: Stack) -> None:
        stack.of("AWS::CloudWatch::Alarm")["PullFailedAlarm"]["Metrics"][0]["Expression"] = text

    return change


def resource(name: str, **attributes: Any) -> Break:
    return lambda stack: stack.resources[name].update(attributes)


def properties(name: str, **changed: Any) -> Break:
    return lambda stack: stack.resources[name]["Properties"].update(changed)


def asked(**changed: Any) -> Break:
    return lambda stack: secret(stack)["GenerateSecretString"].update(changed)


def feeds_itself(role: str, queue: str) -> Break:
    def change(stack: Stack) -> None:
        (policy,) = stack.resources[role]["Properties"]["Policies"]
        arn = f"arn:aws:sqs:eu-west-2:123456789012:{stack.ref(queue)}"
        statement = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}
        policy["PolicyDocument"]["Statement"].append(statement)

    return change


# What breaks each rule: a rule that finds nothing wrong anywhere would prove nothing.
BROKEN: dict[str, list[Break]] = {
    "every_required_kind_of_character_is_left_to_choose_from": [
        asked(RequireEachIncludedType=True, ExcludePunctuation=False),
        asked(ExcludeLowercase=True, ExcludeUppercase=True, ExcludeNumbers=True),
    ],
    "a_generated_secret_has_room_for_every_kind": [asked(PasswordLength=3)],
    "a_query_is_grammatical": [
        query('SELECT MEDIAN(PullFailed) FROM SCHEMA("x", "Dataset")'),
        query("SELECT SUM(PullFailed) FROM SCHEMA(x-y, Dataset)"),
        query("SELECT SUM(PullFailed)"),
    ],
    "a_reserved_word_of_a_query_stands_in_quotes": [
        query('SELECT SUM(PullFailed) FROM SCHEMA("x", Database)'),
        query('SELECT SUM(Function) FROM SCHEMA("x", Dataset)'),
        query("SELECT SUM(PullFailed) FROM \"x\" WHERE Function = 'function'"),
        query('SELECT SUM(PullFailed) FROM "x" GROUP BY Database'),
    ],
    "an_alarm_asks_for_no_more_than_three_hours": [
        properties("PullFailedAlarm", EvaluationPeriods=4)
    ],
    "a_name_holds_the_name_of_the_stack": [
        properties("WatchDeadlinesFunctionEveryMinute", Name="WatchDeadlinesFunctionEveryMinute"),
        properties("PullQueue", QueueName="pulls"),
        properties("ReceiveDatabaseLogGroup", LogGroupName="/aws/lambda/receive_database"),
        properties("Dashboard", DashboardName="xporter-bridge"),
    ],
    "a_function_may_recurse_if_it_feeds_itself_and_only_then": [
        properties("PullDatasetFunction", RecursiveLoop="Terminate"),
        properties("PlanPullsFunction", RecursiveLoop="Allow"),
        feeds_itself("SettleWritebackRole", "OutcomeQueue"),
    ],
    "what_holds_data_is_kept_but_not_by_a_failed_create": [
        resource("SchoolsTable", DeletionPolicy="Retain"),
        resource("DataBucket", DeletionPolicy="Delete"),
    ],
    "what_holds_data_outlives_its_replacement": [resource("DataKey", UpdateReplacePolicy="Delete")],
}


@pytest.mark.parametrize("name", RULES)
def test_the_stack_of_production_keeps_the_rule(name: str) -> None:
    assert RULES[name].findings(prod()) == []


@pytest.mark.parametrize("name", RULES)
def test_a_stack_that_breaks_the_rule_is_found_out(name: str) -> None:
    for change in BROKEN[name]:
        stack = copy.deepcopy(prod())
        change(stack)
        assert RULES[name].findings(stack), "the rule lets it through"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_the_page_that_says_so(name: str) -> None:
    assert RULES[name].page.startswith("https://docs.aws.amazon.com/")
    assert RULES[name].page.endswith(".html")


@pytest.mark.parametrize("name", sorted(prod().of("AWS::SecretsManager::Secret")))
def test_secrets_manager_generates_every_secret_of_the_template(name: str, aws: None) -> None:
    asked = prod().of("AWS::SecretsManager::Secret")[name]["GenerateSecretString"]
    client = botocore.session.get_session().create_client("secretsmanager")
    made = client.get_random_password(**asked)["RandomPassword"]
    assert re.fullmatch(r"[A-Za-z0-9]{43}", made)
