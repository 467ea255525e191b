"""Holds back the pulls of all schools during an outage of Xporter, except a few probes.

A school's own back-off bounds the requests for one school. In an outage, 25,000 schools that back
off one by one would still send several requests each, and all of them again after the outage.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.dynamodb import DynamoTable, Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.timestamps import iso

# No estab and no dataset has such a name.
_KEY = ("#fleet", "#breaker")
# A process counts failures after so many visits in a row, to different schools, have failed: where
# a tenth of the schools fail, one visit in a thousand ends such a row.
_VISITS_IN_A_ROW = 3
# Of so many groups of schools one has failed, since any school has answered.
_FAILING_GROUPS = 10
_GROUPS = 16
_COUNTED_FOR = timedelta(minutes=10)
_PROBE_EVERY = timedelta(seconds=30)
# One process reads the state so often.
_READ_EVERY = timedelta(seconds=10)


class FleetBreaker:
    """The breaker of the whole fleet, an item of the datasets' table.

    One instance belongs to one process, and remembers what the process has met.
    """

    def __init__(self, items: DynamoTable) -> None:
        self._items = items
        self._state: Item = {}
        self._read_at: datetime | None = None
        self._failed_in_a_row: list[str] = []

    def is_open(self, now: datetime) -> bool:
        """Tell whether pulls are held back, as of a few seconds ago."""
        if self._read_at is None or now - self._read_at >= _READ_EVERY:
            self._state, self._read_at = self._items.get(*_KEY) or {}, now
        return bool(self._state.get("opened_at"))

    def may_send(self, now: datetime) -> bool:
        """Tell whether a message for a pull should be sent: always, or for the next probe."""
        if not self.is_open(now):
            return True
        if self._state.get("probe_at", "") > iso(now):
            return False
        # Not a second one before the state is read again.
        self._state = {**self._state, "probe_at": iso(now + _PROBE_EVERY)}
        return True

    def may_pull(self, now: datetime) -> bool:
        """Tell whether to pull now; while the breaker is open, one process every 30 seconds may."""
        if not self.is_open(now):
            return True
        try:
            self._state = self._items.update(
                *_KEY,
                set_={"probe_at": iso(now + _PROBE_EVERY)},
                condition="attribute_not_exists(probe_at) OR probe_at <= :now",
                now=iso(now),
            )
        except ConflictError:
            return False
        return True

    def note_failure(self, estab: str, now: datetime) -> None:
        """Count a visit to a school that ended with Xporter not reached, failing, or too slow."""
        if estab not in self._failed_in_a_row:
            self._failed_in_a_row.append(estab)
        if len(self._failed_in_a_row) < _VISITS_IN_A_ROW or self.is_open(now):
            return
        del self._failed_in_a_row[:-_VISITS_IN_A_ROW]
        group = hashlib.sha256(estab.encode()).digest()[0] % _GROUPS
        self._state = self._items.update(*_KEY, set_={f"failed_{group}": iso(now)})
        if is_down(self._state, now):
            self._state = self._items.update(*_KEY, set_={"opened_at": iso(now)})
            telemetry.warn("fleet_breaker_opened")

    def note_answer(self, now: datetime) -> None:
        """Close the breaker, if it is open: Xporter has answered for a school."""
        has_counted = len(self._failed_in_a_row) >= _VISITS_IN_A_ROW
        self._failed_in_a_row.clear()
        if has_counted or self._state.get("opened_at"):
            answered = {"answered_at": iso(now), "opened_at": None, "probe_at": None}
            self._state = self._items.update(*_KEY, set_=answered)


def is_down(state: Item, now: datetime) -> bool:
    """Tell whether schools of many groups have failed of late, and none has answered since."""
    since = max(state.get("answered_at", ""), iso(now - _COUNTED_FOR))
    failed = [at for name, at in state.items() if name.startswith("failed_")]
    return len([at for at in failed if at > since]) >= _FAILING_GROUPS
