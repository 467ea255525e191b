"""Moves the dead letters of a queue back to where they were to be handled."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .aws_errors import code_of, explained
from .dead_letters import received
from .errors import OperatorError
from .queues import WorkQueue, waiting
from .target import Target

_LOOK_EVERY_SECONDS = 2.0
# What an emulator says that does not know the task.
_UNKNOWN_ACTION = frozenset({"InvalidAction", "UnsupportedOperation", "UnknownOperationException"})


def move_back(
    target: Target, queue: WorkQueue, rate: int | None, advance: Callable[[int], None]
) -> int:
    """Move every dead letter and return how many; where they go is named, as SQS does not know.

    Raises:
        OperatorError: AWS refused, or the task ended before all were moved.
    """
    sqs = target.client("sqs")
    with explained():
        source, destination = (_arn(sqs, url) for url in (queue.dead_letter_url, queue.url))
        task = {"SourceArn": source, "DestinationArn": destination}
        try:
            sqs.start_message_move_task(
                **task, **({"MaxNumberOfMessagesPerSecond": rate} if rate else {})
            )
        except ClientError as error:
            if target.is_emulated and code_of(error) in _UNKNOWN_ACTION:
                return _move_by_hand(target, queue, advance)
            raise
    return _follow(sqs, source, advance)


def _arn(sqs: Any, url: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


def _follow(sqs: Any, source: str, advance: Callable[[int], None]) -> int:
    """Wait for the end of the newest task of a dead-letter queue."""
    seen = 0
    while True:
        with explained():
            task = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1)["Results"][0]
        moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
        advance(moved - seen)
        seen = moved
        if task["Status"] == "COMPLETED":
            return moved
        if task["Status"] != "RUNNING":
            reason = task.get("FailureReason", "no reason given")
            raise OperatorError(f"the move is {task['Status']} after {moved} letters", reason)
        time.sleep(_LOOK_EVERY_SECONDS)


def _move_by_hand(target: Target, queue: WorkQueue, advance: Callable[[int], None]) -> int:
    """Send and delete one letter after the other; a crash between leaves one of them twice."""
    sqs, moved = target.client("sqs"), 0
    for message in received(sqs, queue.dead_letter_url, waiting(target, queue.dead_letter_url)):
        with explained():
            sqs.send_message(QueueUrl=queue.url, MessageBody=message["Body"])
            sqs.delete_message(
                QueueUrl=queue.dead_letter_url, ReceiptHandle=message["ReceiptHandle"]
            )
        moved += 1
        advance(1)
    return moved
