"""The stack's queues by the names that a person types: Pull, Writeback, Erasure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .aws_errors import explained
from .errors import OperatorError, WrongUseError
from .target import Target

_DEAD = "DeadLetterQueue"
# So many messages SQS takes or gives at once.
BATCH = 10


@dataclass(frozen=True)
class WorkQueue:
    """A queue with its dead-letter queue."""

    name: str
    url: str
    dead_letter_url: str


def queues(target: Target) -> Mapping[str, WorkQueue]:
    """Return every queue of the stack that has dead letters, by name."""
    urls = target.of_type("AWS::SQS::Queue")
    names = sorted(name.removesuffix(_DEAD) for name in urls if name.endswith(_DEAD))
    return {
        name: WorkQueue(name, urls[f"{name}Queue"], urls[f"{name}{_DEAD}"])
        for name in names
        if f"{name}Queue" in urls
    }


def find_queue(target: Target, typed: str) -> WorkQueue:
    """Return the queue that a person means: `pull`, `PullQueue`, `PullDeadLetterQueue`, its URL.

    Raises:
        WrongUseError: Naming the queues that there are.
    """
    known = queues(target)
    wanted = _plain(typed)
    for each in known.values():
        urls = (each.url, each.dead_letter_url)
        if typed in urls or typed in (url.rpartition("/")[2] for url in urls):
            return each
        if wanted == _plain(each.name):
            return each
    raise WrongUseError(f"there is no queue {typed}", f"name one of {', '.join(known)}")


def waiting(target: Target, url: str) -> int:
    """Return about how many messages wait in a queue."""
    return _counts(target, url, "ApproximateNumberOfMessages")


def waiting_or_under_way(target: Target, url: str) -> int:
    """Return about how many messages wait, wait for their time, or are being handled."""
    return _counts(
        target,
        url,
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )


def _counts(target: Target, url: str, *names: str) -> int:
    with explained():
        answer: Any = target.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=list(names)
        )
    return sum(int(answer["Attributes"].get(name, 0)) for name in names)


def send_all(
    target: Target, url: str, messages: Iterable[Mapping[str, Any]], advance: Callable[[int], None]
) -> int:
    """Send messages ten at a time and return how many; sending one again does no harm.

    Raises:
        OperatorError: SQS refused some of a batch; those before it are sent.
    """
    sqs, sent = target.client("sqs"), 0
    remaining = iter(messages)
    while batch := list(islice(remaining, BATCH)):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps(message, separators=(",", ":"))}
            for number, message in enumerate(batch)
        ]
        with explained():
            answer: Any = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise OperatorError(f"SQS took {sent} messages and refused others", "run it again")
        sent += len(batch)
        advance(len(batch))
    return sent


def _plain(typed: str) -> str:
    letters = "".join(letter for letter in typed.casefold() if letter.isalnum())
    for suffix in ("deadletterqueue", "deadletters", "queue"):
        letters = letters.removesuffix(suffix)
    return letters
