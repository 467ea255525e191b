"""Who can read pupils, by the policies of the keys, decided as KMS decides."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.support import template
from tests.support.translated_template import ACCOUNT, REGION, STACK, Stack, deployed, statements

FUNCTION = f"arn:aws:iam::{ACCOUNT}:role/xporter-bridge/{STACK}/{STACK}-PullDatasetRole-1A2B"
OF_ANOTHER_STACK = f"arn:aws:iam::{ACCOUNT}:role/xporter-bridge/{STACK}-2/Role"
NAMED_ALIKE = f"arn:aws:iam::{ACCOUNT}:role/{STACK}-PullDatasetRole-1A2B"
READER = f"arn:aws:iam::{ACCOUNT}:role/analysts/reader"
SENDER = f"arn:aws:iam::{ACCOUNT}:role/registers"
READ_ONLY = f"arn:aws:iam::{ACCOUNT}:role/auditor"
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/administrator"
KEYS = ("DataKey", "SchoolKey", "QueueKey")


@pytest.fixture(scope="module")
def stack() -> Stack:
    return deployed(
        Stage="prod", DataReaderArns=f"{READER},arn:aws:iam::1:user/*", WritebackSenderArns=SENDER
    )


def may(stack: Stack, key: str, principal: str, action: str, via: str = "") -> bool:
    """Tell whether the key's policy lets the principal do it.

    An administrator's own policy allows everything, and an auditor's nothing of keys but reading
    about them; the policy's statement for the account lets their own policies decide.
    """
    context = {
        "aws:PrincipalArn": principal,
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": f"{via}.{REGION}.amazonaws.com" if via else "",
    }
    effects = {
        statement["Effect"]
        for statement in statements(stack.resources[key]["Properties"]["KeyPolicy"])
        if covers(statement, principal, action) and holds(statement, context)
    }
    return effects == {"Allow"}


def covers(statement: dict[str, Any], principal: str, action: str) -> bool:
    is_of_account = statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    is_meant = statement["Principal"] == {"AWS": "*"} or (
        is_of_account and principal == ADMINISTRATOR
    )
    return is_meant and any(fnmatchcase(action, each) for each in statement["Action"])


def holds(statement: dict[str, Any], context: dict[str, str]) -> bool:
    for operator, conditions in statement.get("Condition", {}).items():
        assert operator in {"StringEquals", "ArnLike", "ArnNotLike"}
        for name, wanted in conditions.items():
            patterns = wanted if isinstance(wanted, list) else [wanted]
            matches = any(fnmatchcase(context[name], each) for each in patterns)
            if matches == (operator == "ArnNotLike"):
                return False
    return True


def test_the_roles_of_all_functions_lie_under_the_path_that_the_policies_name() -> None:
    wanted = {"Fn::Sub": "/xporter-bridge/${AWS::StackName}/"}
    for function in template.functions():
        assert template.role(function)["Path"] == wanted, function


@pytest.mark.parametrize(
    "principal", [OF_ANOTHER_STACK, NAMED_ALIKE, SENDER, READ_ONLY, ADMINISTRATOR]
)
def test_pupils_rows_are_read_by_the_functions_and_by_named_readers_alone(
    stack: Stack, principal: str
) -> None:
    assert may(stack, "DataKey", FUNCTION, "kms:Decrypt", "s3")
    assert may(stack, "DataKey", READER, "kms:Decrypt", "s3")
    assert not may(stack, "DataKey", principal, "kms:Decrypt", "s3")


def test_by_default_no_reader_is_named() -> None:
    stack = deployed(Stage="prod")
    assert may(stack, "DataKey", FUNCTION, "kms:Decrypt", "s3")
    assert not may(stack, "DataKey", READER, "kms:Decrypt", "s3")
    for key in KEYS:
        for statement in statements(stack.resources[key]["Properties"]["KeyPolicy"]):
            arns = statement.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn", "-")
            assert "" not in (arns if isinstance(arns, list) else [arns])


@pytest.mark.parametrize("service", ["dynamodb", "s3"])
def test_a_reader_of_the_account_gets_nothing_by_its_policy_alone(
    stack: Stack, service: str
) -> None:
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"):
        assert not may(stack, "DataKey", READ_ONLY, action, service)
        assert not may(stack, "QueueKey", READ_ONLY, action, "sqs")
    assert not may(stack, "DataKey", READER, "kms:Decrypt", "dynamodb")
    assert not may(stack, "DataKey", FUNCTION, "kms:Decrypt")


def test_secrets_of_schools_are_opened_by_functions_alone_if_their_own_policies_allow_it(
    stack: Stack,
) -> None:
    policy = list(statements(stack.resources["SchoolKey"]["Properties"]["KeyPolicy"]))
    allowed = [each for each in policy if each["Effect"] == "Allow"]
    assert [each["Principal"] for each in allowed] == [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}]
    assert not may(stack, "SchoolKey", ADMINISTRATOR, "kms:Decrypt")
    refusals = [each for each in policy if each["Effect"] == "Deny"]
    assert not any(holds(each, {"aws:PrincipalArn": FUNCTION}) for each in refusals)


def test_queues_that_may_hold_personal_data_open_for_functions_readers_and_senders(
    stack: Stack,
) -> None:
    for principal in (FUNCTION, READER, SENDER):
        assert may(stack, "QueueKey", principal, "kms:Decrypt", "sqs")
        assert may(stack, "QueueKey", principal, "kms:GenerateDataKey", "sqs")
        assert not may(stack, "QueueKey", principal, "kms:Decrypt")
    assert not may(stack, "QueueKey", READ_ONLY, "kms:Decrypt", "sqs")


@pytest.mark.parametrize("key", KEYS)
def test_administrators_are_not_locked_out_of_a_key(stack: Stack, key: str) -> None:
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey"):
        assert may(stack, key, ADMINISTRATOR, action)
