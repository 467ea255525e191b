"""The message of the registration queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.messages import Message

# A message that has been sent is waited for so long; then the schedule sends another.
MESSAGE_LIFE = timedelta(days=1)


@dataclass(frozen=True)
class RegisterWebhooks(Message):
    """The school's webhooks are compared and completed; its scopes are read first if wanted.

    With ``pulls_since``, a time, every dataset is pulled whose last pull began before that time.
    ``sent_at`` is the time of the schedule that sent the message; None if nothing scheduled it.
    """

    look_at_scopes: bool = False
    pulls_since: datetime | None = None
    sent_at: datetime | None = None
