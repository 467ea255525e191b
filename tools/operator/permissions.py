"""Finds the rights that the commands need and the caller lacks, without changing anything."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from .aws_errors import explained, is_denied, missing_right
from .checks import Check
from .errors import NotAllowedError, OperatorError
from .target import Target

Call = Callable[[Target], Any]


def _queue(target: Target) -> str:
    return target.physical_id("PullQueue")


# What reads, and which command needs it. Rights that change something cannot be tried without.
_READS: tuple[tuple[str, Call, str], ...] = (
    (
        "dynamodb:GetItem",
        lambda target: target.client("dynamodb").get_item(
            TableName=target.output("DatasetsTableName"),
            Key={"estab": {"S": "#fleet"}, "dataset": {"S": "#breaker"}},
        ),
        "explain",
    ),
    (
        "s3:ListBucket",
        lambda target: target.client("s3").list_objects_v2(
            Bucket=target.output("BucketName"), Prefix="manifests/", MaxKeys=1
        ),
        "data",
    ),
    (
        "sqs:GetQueueAttributes",
        lambda target: target.client("sqs").get_queue_attributes(
            QueueUrl=_queue(target), AttributeNames=["QueueArn"]
        ),
        "redrive, doctor",
    ),
    (
        "logs:FilterLogEvents",
        lambda target: target.client("logs").filter_log_events(
            logGroupName=target.physical_id("PullDatasetLogGroup"), limit=1
        ),
        "tail",
    ),
    (
        "lambda:GetFunctionConfiguration",
        lambda target: target.client("lambda").get_function_configuration(
            FunctionName=target.physical_id("ServeApiFunction")
        ),
        "doctor",
    ),
)


def check_permissions(target: Target) -> Check:
    """Say who the caller is, and what the caller may not read."""
    who = _caller(target)
    missing = list(_missing(target))
    if missing:
        return Check(
            "permissions",
            False,
            f"{who} lacks {'; '.join(missing)}.",
            "Ask for the policy of operators in docs/access.md.",
        )
    return Check("permissions", True, f"{who} may read everything that the commands read.")


def _caller(target: Target) -> str:
    with explained():
        return str(target.client("sts").get_caller_identity()["Arn"])


def _missing(target: Target) -> Iterator[str]:
    for right, call, commands in _READS:
        try:
            call(target)
        except ClientError as error:
            if is_denied(error):
                found = missing_right(error)
                yield f"{found if ':' in found else right} (for {commands})"
        except NotAllowedError:
            raise
        except OperatorError as error:
            yield f"{right} (for {commands}; not tried: {error.says})"
