"""A queue with all events of the event bus, for tests."""

import json
from typing import Any

NAME = "event-tap"


def open_event_tap(sqs: Any, events: Any, bus: str, name: str = NAME) -> str:
    """Create the queue and subscribe it; return its URL."""
    everything = json.dumps({"source": [{"prefix": ""}]})
    rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=everything)["RuleArn"]
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arn = attributes["QueueArn"]
    policy = only_from("events.amazonaws.com", rule, queue=arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": arn}])
    return url


def only_from(service: str, source: str, *, queue: str) -> str:
    """Return the policy of a queue that only one rule or topic may write to."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
