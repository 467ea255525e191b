"""The resources of template.yaml in moto's memory, and its functions in this process."""

from __future__ import annotations

import importlib
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest import mock

from botocore.exceptions import ClientError

from tests.support import permissions, template
from tests.support.permissions import Permission
from xporter_bridge.aws.clients import client

ACCOUNT = "123456789012"
REGION = "eu-west-2"
_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "xporter-bridge",
}
_SERVICES = ("sqs", "dynamodb", "kms", "secretsmanager", "events", "s3")
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass
class Context:
    """What Lambda passes beside every event."""

    remaining_seconds: Callable[[], float] = lambda: 600.0
    aws_request_id: str = "request-1"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-2:123456789012:function:it:live"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds() * 1000)


class Cloud:
    """One deployment of template.yaml: each resource is made when something first refers to it.

    Names, keys, indexes, wiring and every function's environment are the template's own, so a
    test here fails when the template and the code disagree.
    """

    made: ClassVar[list[Cloud]] = []  # by the test that is running

    def __init__(self, **parameters: str) -> None:
        declared = template.load()["Parameters"]
        self._parameters = {name: str(facts["Default"]) for name, facts in declared.items()}
        # As on the local stack: rows are compared with Xporter's, column by column.
        self._parameters |= {"FieldProfile": "all"} | parameters
        self._made: dict[str, dict[str, str]] = {}
        self._warm: dict[str, dict[str, str]] = {}
        self.used: dict[str, set[Permission]] = {}
        self.made.append(self)
        self.delays: list[int] = []
        self._running: list[str] = []
        sqs_events = client("sqs").meta.events
        sqs_events.unregister("provide-client-params.sqs.SendMessage", unique_id="no-delay")
        sqs_events.register(
            "provide-client-params.sqs.SendMessage", self._without_delay, unique_id="no-delay"
        )
        sqs_events.unregister("provide-client-params.sqs.ReceiveMessage", unique_id="no-wait")
        sqs_events.register(
            "provide-client-params.sqs.ReceiveMessage", _without_wait, unique_id="no-wait"
        )

    def client(self, service: str) -> Any:
        """Return the client that the application itself uses."""
        return client(service)

    def ref(self, logical_id: str) -> str:
        """Return what ``!Ref`` gives: a table's name, a queue's URL, a key's id…"""
        return self._attributes(logical_id)["Ref"]

    def arn(self, logical_id: str) -> str:
        """Return the resource's ARN."""
        return self._attributes(logical_id)["Arn"]

    def environment(self, function: str) -> dict[str, str]:
        """Return the environment that the template gives to the function."""
        return {name: self._text(value) for name, value in template.environment(function).items()}

    # ------------------------------------------------------------------ running

    def invoke(
        self,
        function: str,
        event: Mapping[str, Any],
        *,
        remaining_seconds: Callable[[], float] = lambda: 600.0,
        qualifier: str = "live",
        without: Iterable[str] = (),
    ) -> Any:
        """Run the function's real handler; warm, unless its environment has changed.

        Args:
            qualifier: The alias or the version that is called.
            without: Variables that the deployment forgot.

        Raises:
            AssertionError: It did something that its policy in the template does not allow.
        """
        environment = self.environment(function)
        for name in without:
            del environment[name]
        handler = importlib.import_module(f"functions.{function}.handler")
        if self._warm.get(function) != environment:
            for value in vars(handler).values():
                if hasattr(value, "cache_clear") and value.__module__ == handler.__name__:
                    value.cache_clear()
            self._warm[function] = environment
        bare = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        with (
            mock.patch.dict(os.environ, {**bare, **environment}, clear=True),
            self._policed(function),
        ):
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:{qualifier}"
            context = Context(remaining_seconds, invoked_function_arn=arn)
            return handler.lambda_handler(event, context)

    def cool_down(self) -> None:
        """Let the next call of every function find a new environment, without memories."""
        self._warm.clear()

    def deliver(self, queue: str) -> list[dict[str, Any]]:
        """Give what is in the queue to its consumer, batch by batch, as Lambda does.

        Returns the bodies that the function reported as failed; they are on the queue again.
        """
        function, source = template.consumers()[queue]
        failed = []
        for batch in self._batches(queue, int(source["BatchSize"])):
            reply = self.invoke(function, {"Records": [_record(message) for message in batch]})
            failures = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}
            for message in batch:
                if message["MessageId"] in failures:
                    failed.append(message)
                else:
                    self._delete(queue, message)
        for message in failed:
            client("sqs").change_message_visibility(
                QueueUrl=self.ref(queue),
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=0,
            )
        return [json.loads(message["Body"]) for message in failed]

    def settle(self, *queues: str) -> None:
        """Deliver until the named queues are empty (default: every queue with a consumer)."""
        wanted = queues or tuple(template.consumers())
        while any(self.depth(queue) for queue in wanted):
            for queue in wanted:
                if self.depth(queue):
                    failed = self.deliver(queue)
                    assert not failed, f"{queue} failed {failed}"

    # ------------------------------------------------------------------ looking

    def depth(self, queue: str) -> int:
        """Return how many messages can be received now."""
        answer = client("sqs").get_queue_attributes(
            QueueUrl=self.ref(queue), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def used_queues(self) -> set[str]:
        """Return the queues that anything has referred to; the others are not made yet."""
        return {name for name, made in self._made.items() if "QueueName" in made}

    def take_raw(self, queue: str) -> list[dict[str, Any]]:
        """Take every message off the queue, whole: attributes too."""
        taken = []
        for batch in self._batches(queue, 10):
            for message in batch:
                self._delete(queue, message)
            taken += batch
        return taken

    def take(self, queue: str) -> list[dict[str, Any]]:
        """Take every message off the queue and return the bodies."""
        return [json.loads(message["Body"]) for message in self.take_raw(queue)]

    def events(self) -> list[dict[str, Any]]:
        """Take the details of all events published since the last call."""
        self.ref("EventBus")
        return [message["detail"] for message in self.take("EventTap")]

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return every item of the table, in DynamoDB's own notation."""
        return list(client("dynamodb").scan(TableName=self.ref(table))["Items"])

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return every object of the bucket by its key."""
        name, s3 = self.ref(bucket), client("s3")
        listed = s3.list_objects_v2(Bucket=name).get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        return {key: s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}

    # ------------------------------------------------------------------ making

    def _batches(self, queue: str, size: int) -> Iterable[list[dict[str, Any]]]:
        while True:
            answer = client("sqs").receive_message(
                QueueUrl=self.ref(queue),
                MaxNumberOfMessages=min(size, 10),
                MessageAttributeNames=["All"],
                VisibilityTimeout=600,
            )
            if not answer.get("Messages"):
                return
            yield answer["Messages"]

    @contextmanager
    def _policed(self, function: str) -> Iterator[None]:
        """Note what the function does, and let it do no more than the template allows."""
        used = self.used.setdefault(function, set())
        logical_ids = {made["Ref"]: name for name, made in self._made.items()}
        denied: list[Permission] = []
        last: dict[int, str] = {}

        def use(permission: Permission) -> None:
            grant = permissions.grant_of(function, permission)
            used.update({grant} if grant else ())
            denied.extend(() if grant else [permission])

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            if self._running[-1] != function:  # it has called another, which has its own policy
                return
            service = model.service_model.service_id.lower().replace(" ", "")
            service = "events" if service == "eventbridge" else service
            last[threading.get_ident()] = logical_ids.get(params.get("Bucket", ""), "")
            for permission in permissions.needed(service, model.name, params, logical_ids):
                use(permission)

        def see(http_response: Any, model: Any, **_: Any) -> None:
            if self._running[-1] != function:
                return
            # Who may not list a bucket gets 403 for what is not there.
            if http_response.status_code == 404 and model.name in {"GetObject", "HeadObject"}:
                use(Permission("s3:ListBucket", last[threading.get_ident()]))

        self._running.append(function)
        try:
            more = ("lambda", "codedeploy") if function == "check_version" else ()
            with _hooked("provide-client-params", note, more), _hooked("after-call", see):
                yield
        finally:
            self._running.pop()
        assert not denied, f"{function} may not {denied}"

    def _without_delay(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Let every message come at once, and note how long it should have waited."""
        self.delays.append(params.get("DelaySeconds", 0))
        return {**params, "DelaySeconds": 0}

    def _delete(self, queue: str, message: Mapping[str, Any]) -> None:
        client("sqs").delete_message(
            QueueUrl=self.ref(queue), ReceiptHandle=message["ReceiptHandle"]
        )

    def _attributes(self, logical_id: str) -> dict[str, str]:
        if logical_id not in self._made:
            self._made[logical_id] = self._make(logical_id)
        return self._made[logical_id]

    def _make(self, logical_id: str) -> dict[str, str]:
        if logical_id == "EventTap":
            return _queue(logical_id)
        resource = template.load()["Resources"][logical_id]
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::SQS::Queue":
                return _queue(logical_id)
            case "AWS::DynamoDB::Table":
                return _table(logical_id, properties)
            case "AWS::S3::Bucket":
                return _bucket(logical_id, properties)
            case "AWS::KMS::Key":
                made = client("kms").create_key()["KeyMetadata"]
                return {"Ref": made["KeyId"], "Arn": made["Arn"]}
            case "AWS::SecretsManager::Secret":
                made = client("secretsmanager").create_secret(
                    Name=logical_id, SecretString=secrets.token_hex(22)
                )
                return {"Ref": made["ARN"], "Arn": made["ARN"], "Id": made["ARN"]}
            case "AWS::Events::EventBus":
                return _bus(self.arn("EventTap"))
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}"
        return {"Ref": logical_id, "Arn": arn}

    def _text(self, value: Any) -> str:
        match value:
            case {"Ref": name}:
                return self._named(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attributes(name)[attribute]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([^}]+)\}", lambda match: self._named(match[1]), text)
            case {"Fn::If": [condition, yes, no]}:
                holds = self._holds(template.load()["Conditions"][condition])
                return self._text(yes if holds else no)
        return str(value)

    def _named(self, name: str) -> str:
        if "." in name:
            return self._attributes(name.split(".")[0])[name.split(".")[1]]
        return _PSEUDO.get(name) or self._parameters.get(name, "") or self.ref(name)

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        match condition:
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::Equals": [one, other]}:
                return self._parameter(one) == self._parameter(other)
        raise AssertionError(f"a condition that the tests do not know: {condition}")

    def _parameter(self, value: Any) -> str:
        return self._parameters[value["Ref"]] if isinstance(value, dict) else str(value)


@contextmanager
def refusing(
    service: str, operation: str, code: str = "ServiceUnavailable", *, times: float = float("inf")
) -> Iterator[None]:
    """Make an AWS call fail, as it does when the service is unwell or a permission is missing."""
    left = times

    def refuse(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            return
        raise ClientError({"Error": {"Code": code, "Message": "refused by the test"}}, operation)

    events, name = client(service).meta.events, f"before-call.{service}.{operation}"
    events.register(name, refuse)
    try:
        yield
    finally:
        events.unregister(name, refuse)


@contextmanager
def recorded_calls() -> Iterator[list[str]]:
    """Record every AWS call that the application makes, as ``service:Operation``."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(f"{model.service_model.service_name}:{model.name}")

    with _hooked("before-call", note):
        yield made


@contextmanager
def _hooked(event: str, hook: Callable[..., None], more: tuple[str, ...] = ()) -> Iterator[None]:
    """Have every client of AWS call the hook at an event of botocore's."""
    for service in (*_SERVICES, *more):
        client(service).meta.events.register(event, hook)
    try:
        yield
    finally:
        for service in (*_SERVICES, *more):
            client(service).meta.events.unregister(event, hook)


def _without_wait(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Let an empty queue say so at once."""
    return {**params, "WaitTimeSeconds": 0}


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "body": message["Body"],
        "messageAttributes": message.get("MessageAttributes", {}),
        "eventSource": "aws:sqs",
    }


def _queue(name: str) -> dict[str, str]:
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return {"Ref": url, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "QueueName": name}


def _table(name: str, properties: Mapping[str, Any]) -> dict[str, str]:
    made = client("dynamodb").create_table(
        TableName=name, **{key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
    )
    return {"Ref": name, "Arn": made["TableDescription"]["TableArn"]}


def _bucket(logical_id: str, properties: Mapping[str, Any]) -> dict[str, str]:
    name, s3 = logical_id.lower(), client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if "VersioningConfiguration" in properties:
        s3.put_bucket_versioning(
            Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"]
        )
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}


def _bus(tap_arn: str) -> dict[str, str]:
    name, events = "xporter-bridge", client("events")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(
        Name="tap",
        EventBusName=name,
        EventPattern=json.dumps({"source": ["xporter-bridge"]}),
    )
    events.put_targets(Rule="tap", EventBusName=name, Targets=[{"Id": "tap", "Arn": tap_arn}])
    return {"Ref": name, "Arn": arn, "Name": name}
