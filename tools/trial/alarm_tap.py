"""A queue that receives the alarms' notifications of a trial, in place of a mailbox."""

from typing import Any

from tools.stack.event_tap import only_from


def open_alarm_tap(sqs: Any, sns: Any, topic: str, name: str) -> str:
    """Create the queue and subscribe it to the topic; return its URL."""
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arn = attributes["QueueArn"]
    policy = only_from("sns.amazonaws.com", topic, queue=arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url
