"""Pulls the datasets of one school that wait, one after the other, in one of its slots."""

from __future__ import annotations

from collections.abc import Callable

from xporter_bridge import telemetry
from xporter_bridge.errors import ConflictError
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.run import PullRun
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import in_order_of_change, needs_worker
from xporter_bridge.pulls.note_trouble import note_trouble
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.slots import Slot
from xporter_bridge.schools.session import SchoolSession


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
    if not deps.datasets.breaker.may_pull(deps.now()):
        return  # The watchdog sends for what waits.
    visit = _Visit(estab, deps)
    _pull_waiting(visit, name, remaining_seconds)
    if visit.session is not None:
        note_trouble(
            visit.session.school,
            visit.items.values(),
            deps.sessions.schools,
            deps.datasets.config,
            deps.now(),
        )


class _Visit:
    """What is known of the school and its datasets, as the pulls of this visit leave them."""

    def __init__(self, estab: str, deps: PullDependencies) -> None:
        self.estab = estab
        self.deps = deps
        self.items: dict[str, DatasetRecord] = {}
        self.session: SchoolSession | None = None

    def find_waiting(self, first: str) -> list[DatasetRecord]:
        """Return the datasets of the school that have work and no holder.

        Datasets that have failed come last, so that they delay no other dataset. The dataset called
        ``first`` comes first, unless it has failed; after it, those that changed last.
        """
        now = self.deps.now()
        self.items = {each.dataset: each for each in self.deps.datasets.of_school(self.estab)}
        waiting = [item for item in self.items.values() if needs_worker(item, now)]
        return sorted(
            in_order_of_change(waiting),
            key=lambda item: (item.progress.failures, item.dataset != first),
        )

    def note(self, run: PullRun) -> None:
        """Take over what a run has left."""
        self.items[run.item.dataset] = run.item
        self.session = run.session


def _pull_waiting(visit: _Visit, name: str, remaining_seconds: Callable[[], float]) -> None:
    is_first, deps = True, visit.deps
    while waiting := visit.find_waiting(name):
        if not is_first and remaining_seconds() <= 0:
            deps.queue.send(PullDataset(visit.estab, waiting[0].dataset).body())
            return
        is_first = False
        slot = deps.datasets.slots.take(visit.estab, deps.now(), slow_places=deps.slow_places)
        if slot is None or not _pull_each(waiting, slot, visit, remaining_seconds):
            return


def _pull_each(
    waiting: list[DatasetRecord],
    slot: Slot,
    visit: _Visit,
    remaining_seconds: Callable[[], float],
) -> bool:
    """Pull the datasets, one at least; return False if the school must be left alone.

    After a failure of Xporter, the other datasets are tried once each: one endpoint that fails
    holds up none of them. Their own back-offs decide when the school is visited again. A probe in
    an outage ends with its first failure: it has shown what it was sent to show.
    """
    deps, has_failed = visit.deps, False
    try:
        for item in waiting:
            leased = deps.datasets.lease(item, deps.now())
            if leased is None:
                continue
            run = PullRun(deps, leased, slot, remaining_seconds, visit.session, visit.items)
            if item.lease.expires_at is not None:
                run.leftovers.add_unknown()  # the holder of that lease died
            try:
                run.run()
                visit.note(run)
            except ConflictError:
                # Another holder took over, or the school was erased: nothing here may be written.
                telemetry.warn("pull_lost_its_lease", estab=item.estab, dataset=item.dataset)
            finally:
                slot = run.slot
            has_failed = has_failed or run.has_answered is False
            slot = _with_result(run, slot, deps)
            is_outage = run.has_answered is False and deps.datasets.breaker.is_open(deps.now())
            if run.has_timed_out or is_outage or remaining_seconds() <= 0:
                break
        return not has_failed
    finally:
        deps.datasets.slots.release(slot)


def _with_result(run: PullRun, slot: Slot, deps: PullDependencies) -> Slot:
    """Tell the slots and the breaker whether the school has answered, and return the slot."""
    slots, breaker, now = deps.datasets.slots, deps.datasets.breaker, deps.now()
    if run.has_timed_out:
        slots.note_timeout(slot, now)
    if run.has_answered:
        breaker.note_answer(now)
        return slots.note_answer(slot)
    if run.has_answered is False and slot.slow_place is None:
        # At the end of a night, only schools known as slow may be left: their failures say nothing
        # of Xporter, and must not keep the others waiting.
        breaker.note_failure(slot.estab, now)
    return slot
