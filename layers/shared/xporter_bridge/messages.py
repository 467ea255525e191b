"""What every queue message has in common: a frozen class in code, a JSON object on the queue.

Each subject declares its own messages in ``<package>/messages.py``. Where two kinds of message
share a queue, ``kind`` tells them apart. Messages written before kinds existed stay readable: a
queue keeps a message for up to 14 days, and during a roll-out both versions read the same queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Message:
    """A message of a queue.

    Fields that a later version adds need a default: messages without them are still queued. Fields
    that are equal to their default are not sent.
    """

    # What tells this message from others on the same queue; empty where there are no others.
    KIND: ClassVar[str] = ""

    estab: str
    # How often the message was put off because Xporter could not be asked.
    tries: int = field(default=0, kw_only=True)

    def body(self) -> dict[str, Any]:
        """Return the message as the queue holds it."""
        kind = {"kind": self.KIND} if self.KIND else {}
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        defaults = {each.name: each.default for each in fields(self)}
        return kind | {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the message that the queue held; what this version does not know is ignored.

        Raises:
            TypeError: A field is missing. The record fails, and is delivered again.
        """
        names = [each.name for each in fields(cls) if each.name in body]
        return cls(**{name: _immutable(body[name]) for name in names})


def _immutable(value: Any) -> Any:
    return tuple(map(_immutable, value)) if isinstance(value, list) else value
