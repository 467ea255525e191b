"""Queues of SQS. Our messages contain ids, and encrypted values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import orjson

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import TransientError

AnyItem = TypeVar("AnyItem")
# Long enough to read a whole queue, and over before the last look at an erased person.
_HIDDEN_SECONDS = 120


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

    def take_out(self, is_wanted: Callable[[str], bool]) -> int:
        """Delete the messages whose bodies are wanted, and return how many.

        Every other message is visible again at the end, or after two minutes if it came to none.
        Meanwhile nobody else receives it. A message that somebody else has received is not seen.

        Raises:
            TransientError: Some are deleted; taking out again is harmless.
        """
        kept: dict[str, str] = {}
        taken = 0
        try:
            for message in self._received(kept):
                if is_wanted(message["Body"]):
                    self._delete(message["ReceiptHandle"])
                    taken += 1
                else:
                    kept[message["MessageId"]] = message["ReceiptHandle"]
        finally:
            self._show_again(kept.values())
        return taken

    def _received(self, seen: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Yield messages until there are none, or only those that were seen before."""
        while True:
            with translate_aws_errors("sqs:ReceiveMessage"):
                answer = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_HIDDEN_SECONDS,
                    # Without a wait, SQS asks some of its servers, and says that there is nothing.
                    WaitTimeSeconds=1,
                )
            new = [each for each in answer.get("Messages", ()) if each["MessageId"] not in seen]
            if not new:
                return
            yield from new

    def _delete(self, handle: str) -> None:
        with translate_aws_errors("sqs:DeleteMessage"):
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=handle)

    def _show_again(self, handles: Iterable[str]) -> None:
        for batch in _tens(handles):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(batch)
            ]
            with translate_aws_errors("sqs:ChangeMessageVisibilityBatch"):
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _tens(messages: Iterable[AnyItem]) -> Iterable[list[AnyItem]]:
    iterator = iter(messages)
    while batch := list(islice(iterator, 10)):
        yield batch
