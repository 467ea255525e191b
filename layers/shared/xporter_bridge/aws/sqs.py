"""Queues of SQS. Our messages contain ids, and encrypted values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import orjson

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import TransientError


class Queue:
    """One SQS queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        """Store the message; when this returns it is durable.

        Raises:
            TransientError: It may or may not be stored.
        """
        with translate_aws_errors("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=orjson.dumps(message).decode(),
                DelaySeconds=min(delay_seconds, 900),
            )

    def send_all(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Store all messages, ten a request, and return how many.

        Raises:
            TransientError: Some may not be stored; sending all again is harmless. A partly
                refused batch does not stop the remaining batches.
        """
        sent = refused = 0
        for batch in _tens(messages):
            entries = [
                {"Id": str(number), "MessageBody": orjson.dumps(message).decode()}
                for number, message in enumerate(batch)
            ]
            with translate_aws_errors("sqs:SendMessageBatch"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            sent += len(entries)
            refused += len(answer.get("Failed", ()))
        if refused:
            raise TransientError("sqs:SendMessageBatch: partly failed")
        return sent

    def waiting(self) -> int:
        """Return about how many messages wait to be received; SQS is right within a minute."""
        name = "ApproximateNumberOfMessages"
        with translate_aws_errors("sqs:GetQueueAttributes"):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def dead_letter(self, body: str, reason: str) -> None:
        """Send a message that can never succeed to the dead-letter queue, with the reason."""
        with translate_aws_errors("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason}},
            )


def _tens(messages: Iterable[Mapping[str, Any]]) -> Iterable[list[Mapping[str, Any]]]:
    iterator = iter(messages)
    while batch := list(islice(iterator, 10)):
        yield batch
