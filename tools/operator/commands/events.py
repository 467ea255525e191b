"""`events`: what the company's software is told."""

import json
import math
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import click

from ..aws_errors import explained
from ..settings import common_options
from ..target import Target
from .logs import Span
from .session import open_session

_WAIT_SECONDS = 2


@click.group()
@common_options
def events() -> None:
    """See the events of the stack's bus."""


@events.command(short_help="Print every event from now on, until Ctrl-C.")
@click.option("--for", "duration", type=Span(), metavar="SPAN", help="Stop after this time.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="Stop after so many events.")
@common_options
def tail(duration: timedelta | None, count: int | None) -> None:
    """Print every event from now on, one JSON document a line, until Ctrl-C.

    Makes a queue and a rule of its own for that, and deletes both at its end. Events hold ids and
    keys, nothing personal. Needs events:PutRule, PutTargets, RemoveTargets, DeleteRule and
    sqs:CreateQueue, SetQueueAttributes, ReceiveMessage, DeleteMessage, DeleteQueue.
    """
    session = open_session()
    end = time.monotonic() + duration.total_seconds() if duration else math.inf
    with _tap(session.target) as url:
        session.say("Listening; Ctrl-C stops.")
        for event in islice(_received(session.target, url, end), count):
            click.echo(json.dumps(event, ensure_ascii=False))


def _received(target: Target, url: str, end: float) -> Iterator[Any]:
    """Yield the details of events until a time of the monotonic clock."""
    sqs = target.client("sqs")
    while time.monotonic() < end:
        with explained():
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS
            )
        for message in answer.get("Messages", ()):
            yield json.loads(message["Body"])["detail"]
            with explained():
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def _tap(target: Target) -> Iterator[str]:
    """Yield the URL of a queue that gets every event while the block lasts."""
    name, bus = f"{target.name}-tail-{uuid.uuid4().hex[:8]}", target.output("EventBusName")
    sqs, events_ = target.client("sqs"), target.client("events")
    with explained():
        url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "300"})[
            "QueueUrl"
        ]
    try:
        with explained():
            rule = events_.put_rule(
                Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["xporter-bridge"]})
            )["RuleArn"]
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            queue = str(arn["Attributes"]["QueueArn"])
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _only_from(rule, queue)})
            events_.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "tail", "Arn": queue}])
        yield url
    finally:
        with explained():
            sqs.delete_queue(QueueUrl=url)
            events_.remove_targets(Rule=name, EventBusName=bus, Ids=["tail"])
            events_.delete_rule(Name=name, EventBusName=bus)


def _only_from(rule: Any, queue: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
