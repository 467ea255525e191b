"""A deployment with a fixed clock, whose messages, events and items are heard.

Whatever the code is called by now, it is reached here by its handlers, tables, queues and buckets;
``replaced`` is the one place with names of ours.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.recorded.forms import readable, unreadable
from tests.recorded.invented_kms import hooks_on, invented_kms
from tests.recorded.replaced import OURS, START, Clock
from tests.support import template
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import Cloud

HERE = Path(__file__).parent
RELYING_PARTY = "live.example.app"
BASE_URL = "https://callbacks.example.app"
SERVICES = ("sqs", "dynamodb", "kms", "secretsmanager", "events", "s3")
TABLES = ("SchoolsTable", "DatasetsTable", "OperationsTable")
BUCKETS = {"DataBucket": "data", "StagingBucket": "staging"}
# Invented: what the recorded deployment had in Secrets Manager.
SECRETS = {
    "CallbackKeySecret": ("0ca11bac-0000-4000-8000-000000000000", "invented-callback-signing-key"),
    "AuthenticationTokenSecret": (
        "0a07e271-0000-4000-8000-000000000000",
        "invented-authentication-path-token",
    ),
}


class KilledError(BaseException):
    """The process died: nothing catches this."""


# ---------------------------------------------------------------------- what is heard


@dataclass
class Tape:
    """Hears what is sent to AWS: messages, events, and every state of every item."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Kill:
    """Kills the process at the n-th call of an operation: it makes neither that nor another."""

    operation: str
    at: int
    seen: int = 0

    def __call__(self, model: Any, **_: Any) -> None:
        self.seen += model.name == self.operation
        if self.seen >= self.at:
            raise KilledError


@dataclass
class Deployment:
    """``template.yaml`` in memory, under a fixed clock, with keys and secrets that are fixed."""

    cloud: Cloud
    clock: Clock
    tape: Tape = field(default_factory=Tape)

    @property
    def api(self) -> CompanyApi:
        return CompanyApi(self.cloud)

    # ------------------------------------------------------------------ running

    def invoke(self, function: str, event: Mapping[str, Any], **how: Any) -> Any:
        return self.cloud.invoke(function, event, **how)

    def consume(self, queue: str, *bodies: Any, **how: Any) -> list[Any]:
        """Give messages to the queue's consumer; return those that are to come again."""
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        event = {
            "Records": [
                {"messageId": str(number), "body": text, "eventSource": "aws:sqs"}
                for number, text in enumerate(texts)
            ]
        }
        reply = self.invoke(template.consumers()[queue][0], event, **how)
        return [bodies[int(each["itemIdentifier"])] for each in reply["batchItemFailures"]]

    def hand_in(self, queue: str, body: Mapping[str, Any], sender: str) -> list[Any]:
        """Give a message to the queue's consumer that none of our functions sends."""
        self.tape.messages.append({"queue": queue, "body": dict(body), "sent_by": sender})
        return self.consume(queue, body)

    def watch(self) -> dict[str, Any]:
        return dict(self.invoke("watch_deadlines", {}))

    @contextmanager
    def killed(self, operation: str, at: int = 1) -> Iterator[None]:
        """Let the process die at that call of what is done within."""
        kill = Kill(operation, at)
        hooks = {f"before-call.{each}": kill for each in SERVICES}
        with hooks_on(self.cloud, hooks, is_first=True):
            try:
                yield
            except KilledError:
                return
        raise AssertionError(f"{operation} was called only {kill.seen} times")

    @contextmanager
    def meanwhile(self, service: str, operation: str, do: Callable[[], Any]) -> Iterator[None]:
        """Do something just before the first call of an operation within."""
        events, done = self.cloud.client(service).meta.events, []

        def hook(**_: Any) -> None:
            if not done:
                done.append(True)
                do()

        events.register(f"before-call.{service}.{operation}", hook)
        try:
            yield
        finally:
            events.unregister(f"before-call.{service}.{operation}", hook)
        assert done

    # ------------------------------------------------------------------ what there is

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return the items of the table, in DynamoDB's JSON."""
        found = [readable(item) for item in self.cloud.items(table)]
        return sorted(found, key=lambda item: json.dumps(item, sort_keys=True))

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        self.cloud.client("dynamodb").put_item(
            TableName=self.cloud.ref(table), Item=unreadable(item)
        )

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self.cloud.client("s3").put_object(Bucket=self.cloud.ref(bucket), Key=key, Body=body)

    def clear(self) -> None:
        """Forget every item, and what was heard."""
        dynamodb = self.cloud.client("dynamodb")
        for table in TABLES:
            schema = template.resources("AWS::DynamoDB::Table")[table]["KeySchema"]
            key = [each["AttributeName"] for each in schema]
            for item in self.cloud.items(table):
                dynamodb.delete_item(
                    TableName=self.cloud.ref(table), Key={name: item[name] for name in key}
                )
        self.tape.messages.clear()
        self.tape.events.clear()
        self.tape.items.clear()

    def get(self, path: str) -> dict[str, Any]:
        """Return what the company's API answers."""
        answer = self.api.send(request("GET", path))
        return {"status": answer.status, "body": answer.text}

    def answers(self) -> dict[str, dict[str, Any]]:
        """Return what the API says of every school and operation."""
        paths = [f"/v1/schools/{item['estab']['S']}" for item in self.items("SchoolsTable")]
        for item in self.items("OperationsTable"):
            estab, name = item["estab"]["S"], item["operation"]["S"]
            if not name.startswith("#"):
                kind = "pulls" if name.startswith("pull-") else "writebacks"
                paths.append(f"/v1/schools/{estab}/{kind}/{name}")
        return {path: self.get(path) for path in sorted(paths)}

    def objects(self) -> dict[str, dict[str, bytes]]:
        """Return what is in both buckets."""
        return {bucket: self.cloud.objects(bucket) for bucket in BUCKETS}


@contextmanager
def deployment(
    deploy: Callable[..., Cloud], xporter_url: str, now: datetime = START
) -> Iterator[Deployment]:
    """Deploy under a fixed clock; needs AWS in memory around it."""
    cloud, clock = deploy(XporterUrl=xporter_url, CallbackBaseUrl=BASE_URL), Clock(now)
    made = Deployment(cloud, clock)
    for name, (version, value) in SECRETS.items():
        cloud.client("secretsmanager").put_secret_value(
            SecretId=cloud.ref(name), SecretString=value, ClientRequestToken=version
        )
    for resource in (*TABLES, *BUCKETS, *template.resources("AWS::SQS::Queue"), "EventBus"):
        cloud.ref(resource)
    with clock.running(), invented_kms(cloud), _heard(cloud, made.tape):
        yield made


@contextmanager
def _heard(cloud: Cloud, tape: Tape) -> Iterator[None]:
    names = {cloud.ref(queue): queue for queue in template.resources("AWS::SQS::Queue")}

    def message(params: Mapping[str, Any], **_: Any) -> None:
        for entry in params.get("Entries", [params]):
            tape.messages.append(_message(names[params["QueueUrl"]], entry))

    def event(params: Mapping[str, Any], **_: Any) -> None:
        tape.events += [
            {**entry, "Detail": json.loads(entry["Detail"])} for entry in params["Entries"]
        ]

    def update(parsed: Mapping[str, Any], **_: Any) -> None:
        tape.items += [readable(parsed["Attributes"])] if "Attributes" in parsed else []

    def put(params: Mapping[str, Any], **_: Any) -> None:
        tape.items.append(readable(params["Item"]))

    hooks: dict[str, Callable[..., Any]] = {
        "provide-client-params.sqs.SendMessage": message,
        "provide-client-params.sqs.SendMessageBatch": message,
        "provide-client-params.events.PutEvents": event,
        "provide-client-params.dynamodb.PutItem": put,
        "after-call.dynamodb.UpdateItem": update,
    }
    with hooks_on(cloud, hooks, is_first=True):
        yield


def _message(queue: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {"queue": queue, "body": json.loads(entry["MessageBody"]), "sent_by": _sender()}
    facts = {
        "delay_seconds": entry.get("DelaySeconds"),
        "attributes": entry.get("MessageAttributes"),
    }
    return told | {name: value for name, value in facts.items() if value}


def _sender() -> str:
    """Return who sends: the innermost function of ours outside of the package that calls AWS."""
    for frame in reversed(traceback.extract_stack()):
        path = frame.filename
        root = next((each for each in OURS if f"/{each}/" in path), None)
        if root and f"/{root}/aws/" not in path:
            return f"{path.rpartition(f'/{root}/')[2]}:{frame.name}"
    return ""


# ---------------------------------------------------------------------- what was recorded


def recorded(name: str) -> Any:
    """Return one of the recorded documents."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def restore(it: Deployment, name: str) -> dict[str, Any]:
    """Store what was stored at a recorded moment, set the clock to it, and return its record."""
    world: dict[str, Any] = recorded(f"worlds/{name}/world.json")
    it.clock.now = datetime.fromisoformat(world["now"])
    for table, items in world["items"].items():
        for item in items:
            it.put(table, item)
    for bucket, folder in BUCKETS.items():
        root = HERE / "worlds" / name / folder
        for path in sorted(root.rglob("*")):
            if path.is_file():
                it.put_object(bucket, path.relative_to(root).as_posix(), path.read_bytes())
    it.tape.items.clear()
    return world
