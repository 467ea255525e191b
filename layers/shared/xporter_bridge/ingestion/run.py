"""Pulls one dataset of one school: lease, fetch, prove, assemble, guard, commit, publish.

The commit is one conditional write that moves the dataset's item to its next sequence together
with the next hash of Xporter's change set. All steps before the commit are invisible to readers and
may be repeated; all steps after it follow from the stored item, and any later invocation can finish
them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
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
from xporter_bridge.ingestion.build_sequence import SequenceBuilder
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.commit import PullCommit
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.doubt import start_over
from xporter_bridge.ingestion.fetch import OutOfTimeError, PageFetcher
from xporter_bridge.ingestion.parquet import parquet_files
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import outcome_of, with_attempt, with_decision
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import (
    LEASE,
    MAX_RESTARTS,
    backoff,
    start_or_resume,
    with_scopes_used,
    withheld_because,
)
from xporter_bridge.pulls.outbox import publish_dataset_events
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.pulls.slots import Slot
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession
from xporter_bridge.snapshots.layout import DatasetLayout, staging_prefix
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
        session: SchoolSession | None = None,
    ) -> None:
        self.slot = slot
        self._deps = deps
        self.item = item
        self.session = session  # before this run opens its own, that of the invocation's last run
        self._remaining_seconds = remaining_seconds
        self._renewed_at = deps.now()
        # Whether Xporter answered for the school; None if no call showed that.
        self.has_answered: bool | None = None
        self.has_timed_out = False
        self._dataset = deps.datasets.config.dataset_of(item)
        self._endpoint = self._dataset.endpoint.name if self._dataset else "unknown"
        self._committer = PullCommit(deps.datasets, deps.store, deps.keep, deps.now)

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
        deps, now = self._deps, self._deps.now()
        publish_dataset_events(self.item, deps.datasets, deps.sessions.schools, deps.bus, now)

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
                told = {"reason": error.reason, "tables": getattr(error, "tables", None)}
                telemetry.warn("pull_restarted", **self._names, **told)
                telemetry.count("PullRestarted", dataset.endpoint.name)
                if error.reason == "deletion_unmet":
                    telemetry.count("DeletionUnmet", dataset.endpoint.name)
                self._committer.staged_to_delete.add(self.item.progress.pull_id)
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
        staged, fence = self._prefix(checkpoint.pull_id), self.item.lease.fence
        pages = StagedPages(self._deps.store, staged, fence)
        is_resumed = checkpoint == self.item.progress.checkpoint
        if is_resumed:
            pages.recover(policy)
        else:
            self._committer.staged_to_delete.add(self.item.progress.pull_id)
        if not is_resumed or 1 not in pages.headers:
            page, checkpoint = self._ask_first(checkpoint, fetcher)
            if page.says_nothing_new and self._committer.may_stay(self.item, checkpoint):
                facts, committer = page.facts, self._committer
                if is_resumed:
                    committer.staged_to_delete.add(checkpoint.pull_id)
                done = committer.note_nothing_new(self.item, dataset, checkpoint, facts)
                return committer.prune(done)
            self._stage_first(page, checkpoint, fetcher, pages)
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

    def _stage_first(
        self, page: Page, checkpoint: PullCheckpoint, fetcher: PageFetcher, pages: StagedPages
    ) -> None:
        """Remember the pull before page 1 is staged, so that others can go on with it."""
        progress = replace(self.item.progress, checkpoint=checkpoint)
        self.item = self._save(replace(self.item, progress=progress))
        fetcher.stage(page, 1, pages)

    def _conclude(
        self,
        dataset: Dataset,
        checkpoint: PullCheckpoint,
        pages: StagedPages,
        policy: ColumnPolicy,
    ) -> DatasetRecord:
        """Assemble the fetched pages and let the committer decide what becomes of them."""
        deps, place = self._deps, DatasetLayout(self.item.estab, self.item.dataset)
        out = f"{self._prefix(checkpoint.pull_id)}out-{self.item.lease.fence}/"
        watched = (self._renew, self._remaining_seconds)
        parquet = parquet_files(deps, place, dataset, out, *watched)
        assembler = SequenceBuilder(
            deps.store, dataset, place, out=out, heartbeat=self._renew, parquet=parquet
        )
        assembled = assembler.assemble(
            pages,
            pages.facts,
            {table: list(columns) for table, columns in policy.columns.items()},
            self.item.published.manifest,
            self.item.published.sequence + 1,
            is_full=checkpoint.requested_changed_rows == ALL_ROWS,
            is_same_request=self.item.chain.fingerprint == dataset.fingerprint,
            seen=self.item.noticed.oddities_seen,
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
        self._committer.staged_to_delete.add(self.item.progress.pull_id)
        progress = self.item.progress.abandoned(self.item.demand.requested)
        self.item = replace(self.item, reason=reason, progress=progress)
        self._remember(outcome, reason)
        self._let_go()

    def _remember(self, outcome: AttemptOutcome, reason: str = "") -> None:
        """Add the attempt to the history; the write that releases the lease saves the history."""
        self.item = with_attempt(self.item, outcome, self._deps.now(), reason)

    def _let_go(self) -> None:
        self.item = self._save(self.item.released())
        for pull_id in self._committer.staged_to_delete - self.item.named_pulls:
            try:
                self._deps.store.delete_staged(self._prefix(pull_id))
            except TransientError as error:  # The bucket's life cycle will.
                telemetry.warn("leftovers_stay", **self._names, reason=error.reason)

    def _save(self, item: DatasetRecord) -> DatasetRecord:
        return self._deps.datasets.save(item, self._deps.now())

    def _renew(self) -> None:
        now = self._deps.now()
        if now - self._renewed_at >= _RENEWED_EVERY:
            self.item = self._deps.datasets.renew(self.item, now)
            self.slot = self._deps.datasets.slots.renew(self.slot, now)
            self._renewed_at = now

    def _prefix(self, pull_id: str) -> str:
        return staging_prefix(self.item.estab, self.item.dataset, pull_id)

    @property
    def _names(self) -> dict[str, str]:
        return {"estab": self.item.estab, "dataset": self.item.dataset}
