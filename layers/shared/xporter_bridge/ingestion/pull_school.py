"""Pulls the datasets of one school that wait, one after the other, in one of its slots."""

from __future__ import annotations

from collections.abc import Callable

from xporter_bridge import telemetry
from xporter_bridge.errors import ConflictError
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.run import PullRun
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import needs_worker
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.slots import Slot


def pull(
    estab: str, name: str, deps: PullDependencies, *, remaining_seconds: Callable[[], float]
) -> None:
    """Serve every request for the school's datasets that was made so far, one after the other.

    The dataset called ``name`` begins. A message that finds no free slot is dropped: the holder of
    a slot looks for datasets that wait once more after the slot is free again.

    Idempotent: a second message for the same work finds it done or leased. What Xporter causes
    (refusals, rate limits, drift) ends in the dataset's state, not in an error.

    Raises:
        TransientError: AWS failed; the message should come again.
    """
    is_first = True
    if not deps.datasets.breaker.may_pull(deps.now()):
        return  # The watchdog sends for what waits.
    while waiting := _find_waiting(estab, name, deps):
        if not is_first and remaining_seconds() <= 0:
            deps.queue.send(PullDataset(estab, waiting[0].dataset).body())
            return
        is_first = False
        slot = deps.datasets.slots.take(estab, deps.now())
        if slot is None or not _pull_each(waiting, slot, deps, remaining_seconds):
            return


def _pull_each(
    waiting: list[DatasetRecord],
    slot: Slot,
    deps: PullDependencies,
    remaining_seconds: Callable[[], float],
) -> bool:
    """Pull the datasets, one at least; return False if the school must be left alone.

    After a failure of Xporter, the other datasets are tried once each: one endpoint that fails
    holds up none of them. Their own back-offs decide when the school is visited again.
    """
    slots, breaker, has_failed = deps.datasets.slots, deps.datasets.breaker, False
    try:
        for item in waiting:
            leased = deps.datasets.lease(item, deps.now())
            if leased is None:
                continue
            run = PullRun(deps, leased, slot, remaining_seconds)
            try:
                run.run()
            except ConflictError:
                # Another holder took over, or the school was erased: nothing here may be written.
                telemetry.warn("pull_lost_its_lease", estab=item.estab, dataset=item.dataset)
            finally:
                slot = run.slot
            if run.has_timed_out:
                slots.note_timeout(slot, deps.now())
            if run.has_answered is False:
                has_failed = True
                breaker.note_failure(item.estab, deps.now())
            elif run.has_answered:
                breaker.note_answer(deps.now())
                slot = slots.note_answer(slot)
            if run.has_timed_out or remaining_seconds() <= 0:
                break
        return not has_failed
    finally:
        slots.release(slot)


def _find_waiting(estab: str, first: str, deps: PullDependencies) -> list[DatasetRecord]:
    """Return the datasets of the school that have work and no holder.

    Datasets that have failed come last, so that they delay no other dataset. The dataset called
    ``first`` comes first, unless it has failed.
    """
    now = deps.now()
    waiting = [item for item in deps.datasets.of_school(estab) if needs_worker(item, now)]
    return sorted(waiting, key=lambda item: (item.progress.failures, item.dataset != first))
