"""What the adapters need of AWS, in whichever emulator: one contract for all of them."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any
from unittest import mock

import pytest
from botocore.session import get_session

from tests.support import template
from tests.support.moto_cloud import REGION
from tools.emulators.installation import why_not
from tools.stack.emulator import CREDENTIALS
from xporter_bridge.aws import clients

# Which emulators there are, and what of AWS each of them is.
SERVICES: Mapping[str, frozenset[str]] = {
    "moto": frozenset({"dynamodb", "s3", "sqs", "events", "kms", "secretsmanager"}),
    "ministack": frozenset({"dynamodb", "s3", "sqs", "events", "kms", "secretsmanager"}),
    "dynamodb-local": frozenset({"dynamodb"}),
    "s3rver": frozenset({"s3"}),
}
FROM_NPM = frozenset({"dynamodb-local", "s3rver"})
# Where an emulator differs from the contract, and so from AWS: emulator and test. These tests must
# fail there; the day that one passes, its line goes. docs/emulators.md says what it means.
DIFFERENCES: Mapping[tuple[str, str], str] = {
    (
        "s3rver",
        "test_a_manifest_is_replaced_only_where_the_version_that_was_seen_stands",
    ): "ignores If-Match and If-None-Match of a write",
    (
        "s3rver",
        "test_erasing_leaves_no_version_of_anything_under_the_prefix",
    ): "keeps no versions and does not list them",
    (
        "s3rver",
        "test_a_key_may_hold_what_our_keys_hold",
    ): "does not find the source of a copy whose key must be percent-encoded",
}
_KEYS = {"s3rver": {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}}
_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def emulators_of(service: str) -> list[Any]:
    """Return the emulators of a service that can be run on this machine, as parameters of tests."""
    left_out = FROM_NPM if why_not() else frozenset()
    return [
        # Each is started once, so its tests run in one worker.
        name if name == "moto" else pytest.param(name, marks=pytest.mark.xdist_group("emulators"))
        for name in SERVICES
        if service in SERVICES[name] and name not in left_out
    ]


class EmulatedAws:
    """One emulator's AWS; resources are as template.yaml declares them, each made anew."""

    def __init__(self, emulator: str, url: str = "") -> None:
        self._emulator, self._url = emulator, url

    def client(self, service: str) -> Any:
        """Return a client as the application makes its own, but nobody else's: no test's hooks."""
        return _client(service, self._emulator, self._url)

    def table(self, logical_id: str) -> str:
        """Make a table and return its name."""
        properties = template.load()["Resources"][logical_id]["Properties"]
        name = _unique(logical_id)
        self.client("dynamodb").create_table(
            TableName=name, **{key: properties[key] for key in _TABLE if key in properties}
        )
        return name

    def bucket(self, logical_id: str) -> str:
        """Make a bucket and return its name; it keeps old versions where template.yaml says so.

        s3rver cannot, which the contract tests on erasure are there to notice.
        """
        properties = template.load()["Resources"][logical_id]["Properties"]
        name, s3 = _unique(logical_id.lower()), self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        versioning = properties.get("VersioningConfiguration")
        if versioning and self._emulator != "s3rver":
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
        return name

    def queue(self, logical_id: str) -> str:
        """Make a queue and return its URL."""
        answer = self.client("sqs").create_queue(QueueName=_unique(logical_id))
        return str(answer["QueueUrl"])

    def key(self) -> str:
        """Make a KMS key and return its id."""
        return str(self.client("kms").create_key()["KeyMetadata"]["KeyId"])

    def secret(self, value: str) -> str:
        """Make a secret and return its ARN."""
        answer = self.client("secretsmanager").create_secret(
            Name=_unique("secret"), SecretString=value
        )
        return str(answer["ARN"])

    def bus(self) -> tuple[str, str]:
        """Make a bus and return its name, and the URL of a queue that takes all of its events."""
        events, name, queue = self.client("events"), _unique("bus"), self.queue("EventTap")
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=["QueueArn"]
        )
        arn = answer["Attributes"]["QueueArn"]
        events.create_event_bus(Name=name)
        events.put_rule(
            Name="tap", EventBusName=name, EventPattern=json.dumps({"source": ["xporter-bridge"]})
        )
        events.put_targets(Rule="tap", EventBusName=name, Targets=[{"Id": "tap", "Arn": arn}])
        return name, queue


def _unique(name: str) -> str:
    """Tests share an emulator, and nothing in it."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


@cache
def _client(service: str, emulator: str, url: str) -> Any:
    environment = {
        **CREDENTIALS, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": REGION,
    } | _KEYS.get(emulator, {})  # fmt: skip
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(clients, "_session", get_session),
    ):
        return clients.client.__wrapped__(service)
