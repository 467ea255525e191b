"""The events that the company's own software received for all this."""

import json
from collections.abc import Iterator
from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import PRIMARY, SCHOOLS
from tools.demo.verification import sequences
from tools.demo.wait import until

Heard = tuple[str, ...]


def hear_what_was_announced(journey: Journey) -> str:
    """Every commit, hold, state and outcome was announced on the event bus."""
    events: dict[str, dict[str, Any]] = {}

    def look() -> None:
        events.update((event["id"], event) for event in _received(journey))
        missing = _promised(journey) - {_heard(event) for event in events.values()}
        if missing:
            raise NotYetError(f"never announced: {sorted(missing)}")

    until(look)
    return f"{len(events)} events heard, one for each of {len(_promised(journey))} facts"


def _promised(journey: Journey) -> set[Heard]:
    promised: set[Heard] = {("writeback.completed", PRIMARY.estab)}
    promised |= {("school.live", school.estab) for school in SCHOOLS}
    promised.add(("dataset.held", PRIMARY.estab, "students"))
    for school in SCHOOLS:
        for dataset, latest in sequences(school, journey.lake).items():
            for sequence in range(1, latest + 1):
                promised.add(("dataset.changed", school.estab, dataset, str(sequence)))
    return promised


def _heard(event: dict[str, Any]) -> Heard:
    """Return the parts of an event that the expectations name."""
    data, known = event["data"], {"dataset.changed": 3, "dataset.held": 2}
    parts = (data["estab"], data.get("dataset", ""), str(data.get("sequence", "")))
    return event["type"], *parts[: known.get(event["type"], 1)]


def _received(journey: Journey) -> Iterator[dict[str, Any]]:
    """Yield the details of all events that wait in the tap, and take them out of it."""
    sqs, url = journey.stack.aws("sqs"), journey.stack.event_tap_queue_url
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            yield json.loads(message["Body"])["detail"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
