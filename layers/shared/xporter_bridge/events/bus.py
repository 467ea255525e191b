"""Publishes events on the company's bus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from xporter_bridge import telemetry
from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import TransientError
from xporter_bridge.events.model import SOURCE, Event


class EventBus:
    """One EventBridge bus."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Iterable[Event]) -> None:
        """Publish the events in order, at least once; a repeated event has the same id.

        Raises:
            TransientError: Some events may not be published; publish all of them again.
        """
        for event in events:
            with translate_aws_errors("events:PutEvents"):
                answer = self._client.put_events(
                    Entries=[
                        {
                            "EventBusName": self._name,
                            "Source": SOURCE,
                            "DetailType": event.type,
                            "Detail": orjson.dumps(event.document()).decode(),
                        }
                    ]
                )
            if answer.get("FailedEntryCount"):
                raise TransientError("events:PutEvents: entry failed")
            telemetry.count("EventPublished", event.type)
