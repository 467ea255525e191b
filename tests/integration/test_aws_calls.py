"""Every call of AWS that a test makes is held against AWS's rules, though moto takes it."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.aws_calls import AwsCalls, HeldAgainstRules
from tests.support.fakes import S3, Calls
from tests.support.moto_cloud import Cloud
from tools.set_up import ROOT

BREAKING = """
def test_that_breaks_a_rule(cloud):
    cloud.client("s3").put_object(Bucket=cloud.ref("DataBucket"), Key="a/../b", Body=b"x")
"""


def test_what_moto_takes_and_aws_refuses_is_seen(cloud: Cloud, aws_calls: AwsCalls) -> None:
    schools, queue = cloud.ref("SchoolsTable"), cloud.ref("PullQueue")
    cloud.client("s3").put_object(Bucket=cloud.ref("StagingBucket"), Key="a/../b", Body=b"x")
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=901)
    cloud.client("dynamodb").update_item(
        TableName=schools,
        Key={"estab": {"S": "3281102"}},
        UpdateExpression="SET a = :a",
        ReturnConsumedCapacity="ALL",
        ExpressionAttributeValues={":a": {"S": "x"}},
    )
    found, aws_calls.violations = aws_calls.violations, []
    assert [each.partition(": ")[0] for each in found] == [
        "s3:PutObject", "sqs:SendMessage", "dynamodb:UpdateItem",
    ]  # fmt: skip


def test_a_table_of_boto3s_is_held_against_the_rules_too(cloud: Cloud, aws_calls: AwsCalls) -> None:
    table = boto3.resource("dynamodb").Table(cloud.ref("SchoolsTable"))
    table.put_item(Item={"estab": "3281102", "numbers": [1, None]})
    table.update_item(
        Key={"estab": "3281102"},
        UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": 1},
        ReturnValues="ALL_NEW",
    )
    assert aws_calls.violations == []
    with pytest.raises(ClientError):
        table.get_item(Key={"estab": ""})
    assert len(aws_calls.violations) == 1
    aws_calls.violations.clear()


def test_every_call_is_counted_by_service_and_operation(cloud: Cloud, aws_calls: AwsCalls) -> None:
    cloud.ref("StagingBucket")
    assert ("s3", "CreateBucket") in aws_calls.made


@pytest.mark.parametrize(("key", "status"), [("a/../b", 1), ("a/b", 0)])
def test_a_test_that_breaks_a_rule_fails(key: str, status: int, tmp_path: Path) -> None:
    breaking = tmp_path / "test_breaking.py"
    breaking.write_text(BREAKING.replace("a/../b", key))
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", str(breaking)]
    options = ["-p", "no:cacheprovider", "--confcutdir", str(tmp_path), "--rootdir", str(ROOT)]
    config = ["-c", str(ROOT / "pyproject.toml")]
    run = subprocess.run(
        [*pytest_, *options, *config], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert run.returncode == status, run.stdout + run.stderr
    assert ("a part that is . or .." in run.stdout) is bool(status)


def test_what_a_stand_in_takes_and_aws_refuses_is_seen() -> None:
    store = HeldAgainstRules(S3(Calls()), "s3")
    store.put_object(Bucket="data", Key="a/b", Body=b"x")
    assert store.objects == {"data/a/b": b"x"}
    with pytest.raises(AssertionError, match="a part that is"):
        store.put_object(Bucket="data", Key="a/../b", Body=b"x")
