"""That a report says why a deployment failed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tools.trial.run import failures
from tools.trial.trial import Trial

EVENTS = [
    {"LogicalResourceId": "xporter-trial-1", "ResourceStatus": "ROLLBACK_IN_PROGRESS"},
    {
        "LogicalResourceId": "CallbackKeySecret",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "All characters of the desired type have been excluded",
    },
    {"LogicalResourceId": "DataKey", "ResourceStatus": "CREATE_COMPLETE"},
]


class CloudFormation:
    def get_paginator(self, call: str) -> "CloudFormation":
        assert call == "describe_stack_events"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - as AWS spells it
        if StackName.endswith("-simulator"):
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStackEvents")
        return [{"StackEvents": EVENTS}]


def test_every_resource_that_failed_is_named_with_what_cloudformation_said(tmp_path: Path) -> None:
    account: Any = SimpleNamespace(client=lambda _: CloudFormation())
    with (tmp_path / "log").open("wb") as log:
        trial = Trial("xporter-trial-1", account, tmp_path, log, print)
    reason = "All characters of the desired type have been excluded"
    assert list(failures(trial)) == [f"CallbackKeySecret CREATE_FAILED: {reason}"]
