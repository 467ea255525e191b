"""Pulls one dataset of one school: lease, fetch, prove, assemble, guard, commit, publish.

The commit is one conditional write that moves the dataset's item to its next sequence together
with the next hash of Xporter's change set. All steps before the commit are invisible to readers and
may be repeated; all steps after it follow from the stored item, and any later invocation can finish
them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from math import ceil

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import (
    AuthorisationPausedError,
    ChangeSetUnusableError,
    ConflictError,
    PageDriftError,
    PermanentError,
    SecretRefusedError,
    TransientError,
)
from xporter_bridge.ingestion.build_sequence import assemble
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.commit import PullCommit
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.doubt import start_over
from xporter_bridge.ingestion.drift_reports import report_restart
from xporter_bridge.ingestion.fetch import OutOfTimeError, PageFetcher
from xporter_bridge.ingestion.staged_leftovers import StagedLeftovers
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import outcome_of, with_attempt, with_decision
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import (
    LEASE,
    MAX_RESTARTS,
    backoff,
    may_stay,
    start_or_resume,
    with_scopes_used,
    withheld_because,
)
from xporter_bridge.pulls.outbox import announced
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.pulls.slots import Slot
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession
from xporter_bridge.snapshots.layout import staging_prefix
from xporter_bridge.xporter.http import TIMED_OUT, XPORTERS
from xporter_bridge.xporter.pages import ALL_ROWS, Page

_RENEWED_EVERY = LEASE / 4
# An Xporter that has failed over a hash so often may know it no more, and not say so.
_BROKEN_AFTER = 3
# A queue delays no longer than this; later, the watchdog sends the message.
_MAX_DELAY = timedelta(minutes=14)


class PullRun:
    """One holder's work on one leased dataset."""

    def __init__(
        self,
        deps: PullDependencies,
        item: DatasetRecord,
        slot: Slot,
        remaining_seconds: Callable[[], float],
        session: SchoolSession | None,
        of_school: Mapping[str, DatasetRecord],
    ) -> None:
        self.item, self.slot = item, slot
        self._deps = deps = replace(deps, store=deps.store.for_one_pull())
        self.session = session  # before this run opens its own, that of the invocation's last run
        self._remaining_seconds = remaining_seconds
        self._renewed_at = deps.now()
        # Whether Xporter answered for the school; None if no call showed that.
        self.has_answered: bool | None = None
        self.has_timed_out = False
        self._events_failed: TransientError | None = None
        self._dataset = deps.datasets.config.dataset_of(item)
        self._endpoint = self._dataset.endpoint.name if self._dataset else "unknown"
        self.leftovers = StagedLeftovers(deps.store, item.estab, item.dataset)
        self._committer = PullCommit(
            deps.datasets, deps.store, deps.keep, deps.now, of_school, self.leftovers, self._renew
        )

    def run(self) -> None:
        """Finish the work that an earlier holder left, pull if wanted, and release the lease."""
        self.item = self._committer.publish(self.item)
        held = self.item
        self.item = self._committer.carry_out_decision(held, self._dataset)
        self.item = with_decision(held, self.item, self._deps.now())
        if self._dataset is None:
            self._give_up(reason="not_configured")
        elif self.item.is_due and not self.item.progress.backs_off(self._deps.now()):
            self._serve(self._dataset)
        else:
            self._let_go()
        if self._events_failed:
            raise self._events_failed  # The watchdog publishes what is left.

    def _serve(self, dataset: Dataset) -> None:
        """Pull; if the pull stops, record the reason in the dataset's state."""
        before = self.item
        try:
            self.item = self._pull_until_still(dataset)
            self._remember(outcome_of(before, self.item))
            self._let_go()
        except OutOfTimeError:
            self._let_go()
        except (SchoolNotReadyError, AuthorisationPausedError) as error:
            # The school's own state asks for every dataset when it is ready again.
            self._give_up(reason=error.reason)
        except SecretRefusedError as error:
            self._back_off(error.reason, None)
        except PermanentError as error:
            self._fail(error)
        except ConflictError:
            raise
        except TransientError as error:
            self._note_outage(error.reason)
            self._back_off(error.reason, error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - the edge of one pull: it slows itself alone
            telemetry.report("pull_broke", error, **self._names)
            self._back_off("unexpected_fault", None)

    def _note_outage(self, reason: str) -> None:
        """Note that Xporter failed, if the reason says so and not that of AWS or of the data."""
        if reason.startswith(XPORTERS):
            self.has_answered, self.has_timed_out = False, reason == TIMED_OUT

    def _pull_until_still(self, dataset: Dataset) -> DatasetRecord:
        """Pull, from the start again whenever the school's data moved under the pull."""
        for _ in range(MAX_RESTARTS):
            try:
                return self._pull_once(dataset)
            except (ChangeSetUnusableError, PageDriftError) as error:
                report_restart(self.item, dataset, error)
                self.leftovers.add(self.item.progress.pull_id)
                self.item = start_over(self.item, error)
        raise TransientError("pages_kept_moving")

    def _pull_once(self, dataset: Dataset) -> DatasetRecord:
        sessions, now = self._deps.sessions, self._deps.now()
        self.session = session = sessions.open(self.item.estab, now, after=self.session)
        if reason := withheld_because(self.item, dataset, session.school):
            return self._committer.not_covered(self.item, reason)
        self.item = with_scopes_used(self.item, dataset, session.school.scopes)
        policy = ColumnPolicy(dataset, self.item.published.columns)
        fetcher = PageFetcher(
            dataset,
            session,
            self._deps.sessions.xporter,
            policy,
            heartbeat=self._renew,
            remaining_seconds=self._remaining_seconds,
        )
        checkpoint = start_or_resume(self.item, dataset, uuid.uuid4().hex, self._deps.now())
        staged = staging_prefix(self.item.estab, self.item.dataset, checkpoint.pull_id)
        pages = StagedPages(self._deps.store, staged, self.item.lease.fence)
        is_resumed = checkpoint == self.item.progress.checkpoint
        if is_resumed:
            pages.recover(policy)
        else:
            self.leftovers.note_begun(checkpoint.pull_id)
            self.leftovers.add(self.item.progress.pull_id)
        if not is_resumed or 1 not in pages.headers:
            page, checkpoint = self._ask_first(checkpoint, fetcher)
            if page.says_nothing_new and may_stay(self.item, checkpoint):
                self.leftovers.add(checkpoint.pull_id)
                done = self._committer.note_nothing_new(self.item, dataset, checkpoint, page.facts)
                return self._committer.prune(done)
            self._take_first(page, checkpoint, fetcher, pages)
        fetcher.fetch_rest(checkpoint.requested_changed_rows, pages)
        if is_resumed or pages.may_have_moved:
            fetcher.require_unchanged(checkpoint.requested_changed_rows, checkpoint.as_of, pages)
        return self._conclude(dataset, checkpoint, pages, policy)

    def _ask_first(
        self, checkpoint: PullCheckpoint, fetcher: PageFetcher
    ) -> tuple[Page, PullCheckpoint]:
        """Return page 1, and the pull as it begins with page 1."""
        asked = checkpoint.requested_changed_rows
        may_be_down = self.item.progress.failures < _BROKEN_AFTER
        page, begun_with = self._deps.patience.ask(
            lambda within: fetcher.ask_first(asked, may_be_down=may_be_down, within_seconds=within),
            is_slow=self.slot.slow_place is not None,
            now=self._deps.now,
        )
        self.has_answered = True
        if begun_with != asked:
            telemetry.warn("change_set_chain_broken", **self._names)
        # A change set may say nothing of its time: it is no older than what it follows.
        is_older = begun_with != ALL_ROWS and not page.has_time
        as_of = page.as_of or (self.item.published.as_of if is_older else None)
        return page, replace(checkpoint, requested_changed_rows=begun_with, as_of=as_of)

    def _take_first(
        self, page: Page, checkpoint: PullCheckpoint, fetcher: PageFetcher, pages: StagedPages
    ) -> None:
        """Keep page 1 if it is the only one; else store the pull first, so that others go on."""
        progress = replace(self.item.progress, checkpoint=checkpoint)
        self.item, body = replace(self.item, progress=progress), fetcher.pack(page)
        if page.facts.page_count == 1 and pages.keep_only_page(body):
            return
        self.item = self._save(self.item)
        pages.add(1, body)

    def _conclude(
        self,
        dataset: Dataset,
        checkpoint: PullCheckpoint,
        pages: StagedPages,
        policy: ColumnPolicy,
    ) -> DatasetRecord:
        """Assemble the fetched pages and let the committer decide what becomes of them."""
        assembled = assemble(
            self.item,
            dataset,
            checkpoint.requested_changed_rows,
            pages,
            policy,
            self._deps,
            heartbeat=self._renew,
            remaining_seconds=self._remaining_seconds,
        )
        facts = pages.facts
        telemetry.count("PagesPulled", dataset.endpoint.name, facts.page_count)
        if assembled.repeated:
            # No change set says which of several rows of one identity it means.
            facts = replace(facts, following=None)
        # Whatever fails from here on must find what was committed, and not write over it.
        self.item = self._committer.commit(self.item, dataset, checkpoint, facts, assembled, policy)
        return self._committer.prune(self._committer.publish(self.item))

    def _fail(self, error: PermanentError) -> None:
        telemetry.report("pull_failed", error, **self._names, reason=error.reason)
        telemetry.count("PullFailed", self._endpoint)
        progress = replace(self.item.progress, failures=self.item.progress.failures + 1)
        self.item = replace(self.item, state=DatasetState.FAILED, progress=progress)
        self._give_up(reason=error.reason, outcome=AttemptOutcome.FAILED)

    def _back_off(self, reason: str, retry_after_seconds: float | None) -> None:
        failures = self.item.progress.failures + 1
        wait = max(backoff(failures), timedelta(seconds=retry_after_seconds or 0))
        telemetry.warn("pull_backs_off", **self._names, reason=reason, failures=failures)
        telemetry.count("PullFailed", self._endpoint)
        retry_at = self._deps.now() + wait
        progress = replace(self.item.progress, failures=failures, retry_at=retry_at)
        self.item = replace(self.item, reason=reason, progress=progress)
        self._remember(AttemptOutcome.FAILED, reason)
        self._let_go()
        if wait <= _MAX_DELAY:
            message = PullDataset(self.item.estab, self.item.dataset)
            self._deps.queue.send(message.body(), delay_seconds=ceil(wait.total_seconds()) + 1)

    def _give_up(self, reason: str, outcome: AttemptOutcome = AttemptOutcome.STOPPED) -> None:
        """Release the lease of a pull that must not be resumed."""
        self.leftovers.add(self.item.progress.pull_id)
        progress = self.item.progress.abandoned(self.item.demand.requested)
        self.item = replace(self.item, reason=reason, progress=progress)
        self._remember(outcome, reason)
        self._let_go()

    def _remember(self, outcome: AttemptOutcome, reason: str = "") -> None:
        """Add the attempt to the history; the write that releases the lease saves the history."""
        self.item = with_attempt(self.item, outcome, self._deps.now(), reason)

    def _let_go(self) -> None:
        self._renew()  # a holder that stood still publishes nothing
        self.item = self._save(self._announced().released())
        self.leftovers.delete(self.item.named_pulls)

    def _announced(self) -> DatasetRecord:
        """Publish the events before the lease is released, so that the same write clears them."""
        deps, school = self._deps, self.session.school if self.session else None
        try:
            return announced(self.item, school, deps.sessions.schools, deps.bus, deps.now())
        except TransientError as error:
            self._events_failed = error
            return self.item

    def _save(self, item: DatasetRecord) -> DatasetRecord:
        return self._deps.datasets.save(item, self._deps.now())

    def _renew(self) -> None:
        now = self._deps.now()
        if now - self._renewed_at >= _RENEWED_EVERY:
            self.item = self._deps.datasets.renew(self.item, now)
            self.slot = self._deps.datasets.slots.renew(self.slot, now)
            self._renewed_at = now

    @property
    def _names(self) -> dict[str, str]:
        return {"estab": self.item.estab, "dataset": self.item.dataset}
