"""What a KMS key's policy must say to the services that use it."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.support.template_rules.rule import rule
from tests.support.translated_template import ACCOUNT, REGION, Stack, statements

_ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def keys(stack: Stack) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Return the name and the statements of each key, by everything that a property may call it."""
    found = {}
    for name, properties in stack.of("AWS::KMS::Key").items():
        made = name, list(statements(properties["KeyPolicy"]))
        found |= {stack.ref(name): made, stack.arn(name): made}
    return found


def lets(
    policy: list[dict[str, Any]], principal: dict[str, str], actions: set[str], **context: str
) -> bool:
    """Whether some statement lets the principal do all of it, in the given context."""
    for statement in policy:
        given = statement["Action"]
        covers = all(any(fnmatchcase(action, each) for each in given) for action in actions)
        conditions = {
            key: value
            for operator in statement.get("Condition", {}).values()
            for key, value in operator.items()
        }
        holds = all(
            any(fnmatchcase(context.get(key, ""), each) for each in _listed(value))
            for key, value in conditions.items()
        )
        if (
            statement["Effect"] == "Allow"
            and statement["Principal"] == principal
            and covers
            and holds
        ):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@rule("AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html")
def the_key_of_a_log_group_lets_cloudwatch_logs_use_it(stack: Stack) -> Iterator[str]:
    used = {
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncryptTo",
        "kms:GenerateDataKey",
        "kms:DescribeKey",
    }
    for name, group in stack.of("AWS::Logs::LogGroup").items():
        context = {"kms:EncryptionContext:aws:logs:arn": stack.arn(name).removesuffix(":*")}
        _, policy = keys(stack)[group["KmsKeyId"]]
        if not lets(policy, {"Service": f"logs.{REGION}.amazonaws.com"}, used, **context):
            yield f"{name} cannot be encrypted with its key"


@rule("sns/latest/dg/sns-key-management.html")
def the_key_of_a_topic_lets_alarms_through(stack: Stack) -> Iterator[str]:
    used, context = {"kms:Decrypt", "kms:GenerateDataKey"}, {"aws:SourceAccount": ACCOUNT}
    alarms = stack.of("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm").values()
    told = {action for alarm in alarms for action in alarm.get("AlarmActions", [])}
    for name, topic in stack.of("AWS::SNS::Topic").items():
        if stack.ref(name) not in told or "KmsMasterKeyId" not in topic:
            continue
        _, policy = keys(stack).get(topic["KmsMasterKeyId"], ("", []))
        if not lets(policy, {"Service": "cloudwatch.amazonaws.com"}, used, **context):
            yield f"{name} takes no alarm: its key does not let CloudWatch use it"


@rule("amazondynamodb/latest/developerguide/encryption.usagenotes.html")
def the_key_of_a_table_can_be_used_through_dynamodb(stack: Stack) -> Iterator[str]:
    used = {
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncryptTo",
        "kms:GenerateDataKey",
        "kms:DescribeKey",
    }
    for name, table in stack.of("AWS::DynamoDB::Table").items():
        key = table["SSESpecification"]["KMSMasterKeyId"]
        if not _through(stack, key, "dynamodb", used | {"kms:CreateGrant"}):
            yield f"{name} cannot be encrypted with its key"


@rule("AmazonS3/latest/userguide/UsingKMSEncryption.html")
def the_key_of_a_bucket_can_be_used_through_s3(stack: Stack) -> Iterator[str]:
    for name, bucket in stack.of("AWS::S3::Bucket").items():
        for each in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
            key = each["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
            if not _through(stack, key, "s3", {"kms:Decrypt", "kms:GenerateDataKey"}):
                yield f"{name} cannot be encrypted with its key"


def _through(stack: Stack, key: str, service: str, actions: set[str]) -> bool:
    path = stack.resources["PullDatasetRole"]["Properties"]["Path"]
    role = f"arn:aws:iam::{ACCOUNT}:role{path}any-role"
    context = {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
        "aws:PrincipalArn": role,
    }
    _, policy = keys(stack)[key]
    return lets(policy, {"AWS": "*"}, actions, **context)


@rule("kms/latest/developerguide/key-policy-default.html")
def a_key_can_be_administered_and_used_by_the_roles_that_may(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::KMS::Key").items():
        if not lets(
            list(statements(properties["KeyPolicy"])), {"AWS": _ROOT}, {"kms:PutKeyPolicy"}
        ):
            yield f"{name} is nobody's: no policy of IAM can say who may use it"


@rule("kms/latest/developerguide/resource-limits.html")
def a_keys_policy_is_short_enough(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::KMS::Key").items():
        size = len(json.dumps(properties["KeyPolicy"]))
        if size > 32768:
            yield f"{name} has a policy of {size} bytes"


@rule("AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html")
def a_function_may_use_the_key_of_its_queues(stack: Stack) -> Iterator[str]:
    for queue, properties in stack.of("AWS::SQS::Queue").items():
        if "KmsMasterKeyId" not in properties:
            continue
        for name, function in stack.of("AWS::Lambda::Function").items():
            for action, used in (
                ("sqs:SendMessage", {"kms:GenerateDataKey", "kms:Decrypt"}),
                ("sqs:ReceiveMessage", {"kms:Decrypt"}),
            ):
                may = stack.arn(queue) in stack.allowed(function["Role"], action)
                if may and not _through(stack, properties["KmsMasterKeyId"], "sqs", used):
                    yield f"{name} may {action} {queue} and not use its key"
