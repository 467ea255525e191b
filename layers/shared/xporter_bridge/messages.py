"""The base of all queue messages: a frozen class in code, a JSON object on the queue.

Each subject declares its own messages in ``<package>/messages.py``. If two kinds of message
share a queue, ``kind`` distinguishes them. Older messages without ``kind`` stay readable: a
queue keeps a message for up to 14 days, and during a roll-out both versions read the same queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Message:
    """A message of a queue.

    A field that is added later needs a default, because older messages lack the field. Fields
    that equal their default are not sent.
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
        return kind | {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the message of a JSON object; fields that this version does not know are ignored.

        Raises:
            TypeError: A field is missing. The record fails, and is delivered again.
        """
        names = [each.name for each in fields(cls) if each.name in body]
        return cls(**{name: _immutable(body[name]) for name in names})


def _immutable(value: Any) -> Any:
    return tuple(map(_immutable, value)) if isinstance(value, list) else value
