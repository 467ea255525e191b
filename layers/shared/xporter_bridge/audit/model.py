"""One entry of the audit trail: ids and words, no personal content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from xporter_bridge.timestamps import iso

# The subject of what concerns no single school.
STACK = "stack"
# Who acted when no person did.
ITSELF = "xporter-bridge"
UNNAMED = "a caller whom IAM has not named"
# IAM's own limit of an ARN with its path; a longer text is none.
_LONGEST_NAME = 640


@dataclass(frozen=True)
class AuditEntry:
    """One fact. Nothing changes or deletes an entry before its time is over.

    An act of a person has two entries with the same ``id``: ``asked``, written before anything is
    done, and its outcome. An act without an outcome was interrupted.

    Args:
        subject: The estab, or ``STACK``.
        id: The request, event or version; the same fact written again has the same id.
        action: What was asked for, as the API names the call: ``requestWriteback``.
        outcome: ``asked``, or how it ended.
        by: The caller's ARN; ``ITSELF`` for what the system does by itself.
        about: Ids of ours by name, as ``dataset`` and ``writeback``; a hold's ``decision``.
    """

    subject: str
    at: datetime
    id: str
    action: str
    outcome: str
    by: str
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def position(self) -> str:
        """The entry's place among those of its subject; sorts by time."""
        return f"{iso(self.at)}#{self.action}#{self.outcome}#{self.id}"


def named(caller: object) -> str:
    """Return the ARN of a caller, or that there is none."""
    is_name = isinstance(caller, str) and caller.startswith("arn:") and caller.isprintable()
    return str(caller) if is_name and len(str(caller)) <= _LONGEST_NAME else UNNAMED
