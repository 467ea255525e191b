"""A queue that gets everything announced on the event bus, so that tests can look."""

import json
from typing import Any

NAME = "event-tap"


def open_event_tap(sqs: Any, events: Any, bus: str) -> str:
    """Create the queue and subscribe it; return its URL."""
    url: str = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    everything = json.dumps({"source": [{"prefix": ""}]})
    events.put_rule(Name=NAME, EventBusName=bus, EventPattern=everything)
    target = {"Id": NAME, "Arn": attributes["QueueArn"]}
    events.put_targets(Rule=NAME, EventBusName=bus, Targets=[target])
    return url
