"""The base of all queue messages: a frozen class in code, a JSON object on the queue.

Each subject declares its own messages in ``<package>/messages.py``. If two kinds of message
share a queue, ``kind`` distinguishes them. Older messages without ``kind`` stay readable: a
queue keeps a message for up to 14 days, and during a roll-out both versions read the same queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, Self

from xporter_bridge.timestamps import iso, parse_or_none


@dataclass(frozen=True)
class Message:
    """A message of a queue.

    A field that is added later needs a default, because older messages lack the field. Fields
    that equal their default are not sent. A time is a ``datetime`` here and text on the queue; its
    field is annotated ``datetime`` or ``datetime | None``.
    """

    # Distinguishes kinds of message on one queue; empty if the queue has one kind only.
    KIND: ClassVar[str] = ""

    estab: str
    # The number of times the message was sent again because Xporter was not available.
    tries: int = field(default=0, kw_only=True)

    def body(self) -> dict[str, Any]:
        """Return the JSON object of the message."""
        kind = {"kind": self.KIND} if self.KIND else {}
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        defaults = {each.name: each.default for each in fields(self)}
        sent = {name: value for name, value in values.items() if value != defaults[name]}
        return kind | {name: _sendable(value) for name, value in sent.items()}

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the message of a JSON object; fields that this version does not know are ignored.

        Raises:
            TypeError: A field is missing. The record fails, and is delivered again.
            ValueError: A time is not one, likewise.
        """
        known = [each for each in fields(cls) if each.name in body]
        return cls(**{each.name: _received(body[each.name], str(each.type)) for each in known})


def _sendable(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value


def _received(value: Any, annotation: str) -> Any:
    # Annotations are strings under postponed evaluation, which every messages module uses.
    return parse_or_none(value) if annotation.startswith("datetime") else _immutable(value)


def _immutable(value: Any) -> Any:
    return tuple(map(_immutable, value)) if isinstance(value, list) else value
