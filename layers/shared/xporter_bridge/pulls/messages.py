"""The messages about pulls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.messages import Message


@dataclass(frozen=True)
class PullDataset(Message):
    """The dataset may be due, and so may other datasets of the school."""

    dataset: str


@dataclass(frozen=True)
class DatabaseChanged(Message):
    """A database callback was received."""

    database: str
    received_at: datetime
