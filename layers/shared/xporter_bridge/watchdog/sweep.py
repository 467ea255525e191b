"""Looks at overdue items one by one, in bounded time: a failed item does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from xporter_bridge import telemetry


@dataclass
class SweepResult:
    """Counts of one sweep. Failed and unseen items stay overdue, for the next sweep."""

    looked: int = 0
    failed: int = 0
    is_cut: bool = False


def sweep(
    due: Iterable[tuple[str, ...]], look: Callable[..., None], has_time: Callable[[], bool]
) -> SweepResult:
    """Look at each item until the time is up.

    An error with one item, also an item that only a later version can read, is logged with its
    type and place and does not stop the sweep.

    Args:
        due: What ``look`` takes; the estab comes first.
    """
    found = SweepResult()
    for key in due:
        if not has_time():
            found.is_cut = True
            break
        found.looked += 1
        try:
            look(*key)
        except Exception as error:  # noqa: BLE001 - the edge of one item
            telemetry.report("look_failed", error, estab=key[0])
            found.failed += 1
    return found
