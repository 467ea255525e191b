"""What a night looks like minute by minute, for the plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nights.world import World

_WRITES = ("UpdateItem", "PutItem", "DeleteItem")


@dataclass(frozen=True)
class Sample:
    """The state at ``at``, and the rates a second since the sample before."""

    at: datetime
    waiting: float
    oldest_minutes: float
    served: float
    requests: float
    writes: float


class Samples:
    """Takes a sample whenever it is told to."""

    def __init__(self) -> None:
        self.taken: list[Sample] = []
        self._before = (0.0, 0, 0)

    def take(self, world: World) -> None:
        """Note the state of the night at the present time."""
        seconds = world.clock.global_seconds
        requests = sum(world.xporter.counts.values())
        writes = sum(world.calls.counts[name] for name in _WRITES)
        since, requests_before, writes_before = self._before
        self._before = (seconds, requests, writes)
        passed = seconds - since or 1
        self.taken.append(
            Sample(
                at=world.clock.now(),
                waiting=world.pull_queue.depth,
                oldest_minutes=world.pull_queue.oldest_seconds / 60,
                served=sum(world.served.values()),
                requests=(requests - requests_before) / passed,
                writes=(writes - writes_before) / passed,
            )
        )


def states_written(
    before: Mapping[str, Any], after: Mapping[str, Any], second: int
) -> list[tuple[str, int]]:
    """Return the writes of the index by_state that a school's write causes: partition, second."""
    if all(before.get(name) == after.get(name) for name in ("state", "due_at")):
        return []
    return [(item["state"], second) for item in (before, after) if "state" in item]
