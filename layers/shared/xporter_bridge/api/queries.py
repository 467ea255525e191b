"""Reads the state of schools, datasets and operations, for the company's own software."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.api.fleet_pages import FleetPages, SchoolFilter
from xporter_bridge.api.history_views import (
    AttemptsView,
    CallbacksView,
    HistoryView,
    present_attempts,
    present_callbacks,
    present_history,
)
from xporter_bridge.api.presenters import present_pull, present_school, present_writeback
from xporter_bridge.api.schemas import Manifest, PullView, SchoolPage, SchoolView, WritebackView
from xporter_bridge.availability.model import PullState, state_of
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.writebacks.repository import WritebackRepository

# Fields of a school that are made of its datasets.
_OF_DATASETS = frozenset({"attention", "next_step", "freshness", "datasets"})
_AT_ONCE = 16


@dataclass(frozen=True)
class Queries:
    """Reads the tables and the bucket; writes nothing."""

    schools: SchoolRepository
    datasets: DatasetRepository
    requests: AvailabilityRepository
    writebacks: WritebackRepository
    store: SnapshotStore
    config: DatasetConfig

    def page(
        self,
        wanted: SchoolFilter,
        limit: int,
        cursor: str | None,
        now: datetime,
        fields: Collection[str] = (),
    ) -> SchoolPage:
        """Return one page of schools; those without the ``fields`` that need datasets cost less.

        Args:
            fields: Which fields of the schools are wanted; empty for all.

        Raises:
            RequestRejectedError: 400 for an invalid cursor.
        """
        schools, following = FleetPages(self.schools).page(wanted, limit, cursor)
        needs_datasets = not fields or bool(_OF_DATASETS.intersection(fields))

        def show(school: School) -> SchoolView:
            items = self.datasets.of_school(school.estab) if needs_datasets else []
            return present_school(school, items, self.config, now)

        with ThreadPoolExecutor(_AT_ONCE, "school") as pool:
            return SchoolPage(schools=list(pool.map(show, schools)), cursor=following)

    def school(self, estab: str, now: datetime) -> SchoolView:
        """Return one school.

        Raises:
            RequestRejectedError: 404 for an unknown school.
        """
        return self._show(self.require_school(estab), now)

    def require_school(self, estab: str) -> School:
        """Return the school as it is stored.

        Raises:
            RequestRejectedError: 404.
        """
        school = self.schools.get(estab)
        if school is None:
            raise RequestRejectedError(404, "there is no such school")
        return school

    def manifest(self, estab: str, name: str) -> Manifest:
        """Return what readers of the bucket find now, not what is committed but not yet published.

        Raises:
            RequestRejectedError: 404, saying whether there is no such dataset, no data yet, or no
                data any more.
        """
        school = self.require_school(estab)
        document = self.store.read_manifest(DatasetLayout(estab, name).latest)
        if document is not None:
            return Manifest(**document)
        item = self.datasets.get(estab, name)
        if item is None and name not in self.config:
            raise RequestRejectedError(404, "there is no such dataset")
        if school.is_being_erased:
            raise RequestRejectedError(404, "the school is being erased, with all its data")
        if school.state is SchoolState.ERASED:
            raise RequestRejectedError(404, "the school was erased: nothing is kept of it")
        state = item.state if item else DatasetState.PENDING
        raise RequestRejectedError(404, f"the dataset is {state} and has no data")

    def attempts(self, estab: str, name: str, now: datetime) -> AttemptsView:
        """Return the latest attempts at the pull of a dataset; none of one never requested.

        Raises:
            RequestRejectedError: 404 for an unknown school or dataset.
        """
        self.require_school(estab)
        item = self.datasets.get(estab, name)
        if item is None and name not in self.config:
            raise RequestRejectedError(404, "there is no such dataset")
        return present_attempts(estab, name, item or DatasetRecord(estab, name), now)

    def callbacks(self, estab: str, now: datetime) -> CallbacksView:
        """Return the latest callbacks that announced data of the school.

        Raises:
            RequestRejectedError: 404.
        """
        self.require_school(estab)
        return present_callbacks(estab, self.datasets.of_school(estab), self.config, now)

    def history(self, estab: str, now: datetime) -> HistoryView:
        """Return everything that is remembered of the school.

        Raises:
            RequestRejectedError: 404.
        """
        school = self.require_school(estab)
        return present_history(school, self.datasets.of_school(estab), self.config, now)

    def pull(self, estab: str, id_: str) -> PullView:
        """Return a pull on request, with its manifest once readers find it.

        Raises:
            RequestRejectedError: 404.
        """
        pull = self.requests.get(estab, id_)
        if pull is None:
            raise RequestRejectedError(404, "there is no such pull")
        item = self.datasets.get(estab, pull.dataset)
        state = state_of(pull, item)
        if state is PullState.COMPLETED and item and item.published.unpublished:
            state = PullState.PULLING
        document = None
        if state is PullState.COMPLETED:
            document = self.store.read_manifest(DatasetLayout(estab, pull.dataset).latest)
        return present_pull(pull, item, state, document)

    def writeback(self, estab: str, id_: str) -> WritebackView:
        """Return a writeback.

        Raises:
            RequestRejectedError: 404.
        """
        writeback = self.writebacks.get(estab, id_)
        if writeback is None:
            raise RequestRejectedError(404, "there is no such writeback")
        return present_writeback(writeback)

    def _show(self, school: School, now: datetime) -> SchoolView:
        return present_school(school, self.datasets.of_school(school.estab), self.config, now)
