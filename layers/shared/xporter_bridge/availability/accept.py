"""Accepts requests for pulls, from the company's software and from timetables.

Every step starts from the stored request and may be repeated. The pull itself is the ordinary pull
of a dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.availability.messages import AdvanceRequest
from xporter_bridge.availability.model import (
    AvailabilityRequest,
    PullState,
    WaitOutcome,
    ended,
    is_open,
    pull_started,
)
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.on_request import on_request, redefined
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.errors import ConflictError, PermanentError, RequestRejectedError
from xporter_bridge.operations.model import OperationKind, identity, soon
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.xporter import endpoints as catalogue


@dataclass(frozen=True)
class AvailabilityDependencies:
    """The dependencies of every step; ``requests`` is the queue of ``AdvanceRequest``."""

    operations: AvailabilityRepository
    datasets: DatasetRepository
    requests: Queue
    pulls: Queue
    config: DatasetConfig
    now: Callable[[], datetime]


def accept(
    school: School,
    deps: AvailabilityDependencies,
    *,
    dataset: str | None = None,
    endpoint: str | None = None,
    parameters: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> AvailabilityRequest:
    """Accept a request for a dataset, or for an endpoint with parameters; return the stored one.

    An endpoint without parameters and options stands for its configured dataset.

    Raises:
        RequestRejectedError: 400 for neither or both, 404 for unknown names, 409
            for a school that cannot be pulled or has not granted the scope.
    """
    if (dataset is None) == (endpoint is None):
        raise RequestRejectedError(400, "name either a dataset or an endpoint")
    if dataset is not None:
        if parameters or options:
            raise RequestRejectedError(400, "a dataset has its own parameters and options")
        return request_dataset(school, dataset, deps)
    name = catalogue.find(endpoint or "").name
    if not parameters and not options:
        for each in deps.config.values():
            if each.endpoint.name == name:
                return request_dataset(school, each.name, deps)
    return request_endpoint(school, name, parameters or {}, deps, options=options)


def request_endpoint(
    school: School | None,
    endpoint: str,
    parameters: Mapping[str, str],
    deps: AvailabilityDependencies,
    *,
    options: Iterable[str] = (),
) -> AvailabilityRequest:
    """Store a request for an endpoint with parameters and return it.

    If the same request is open already, the open request is returned.

    Raises:
        RequestRejectedError: 404 for an unknown endpoint or school, 400 for parameters that
            the endpoint does not take, 409 if the school cannot be pulled or lacks the scope.
    """
    made = on_request(
        catalogue.find(endpoint),
        options,
        parameters,
        deps.config.values(),
        deps.config.field_profile,
    )
    return request(school, made, deps)


def request_dataset(
    school: School | None, name: str, deps: AvailabilityDependencies
) -> AvailabilityRequest:
    """Accept a request for a dataset by name, configured or requested before.

    Raises:
        RequestRejectedError: As ``request_endpoint``; 404 for an unknown name.
    """
    item = deps.datasets.get(school.estab, name) if school else None
    if item and item.demand.definition:
        made = redefined(
            name, item.demand.definition, deps.config.values(), deps.config.field_profile
        )
        return request(school, made, deps)
    dataset = deps.config.get(name)
    if dataset is None:
        raise RequestRejectedError(404, f"there is no dataset {name[:100]!r}")
    return request(school, today_of(dataset, deps.now()), deps)


def ask_due(school: School, deps: AvailabilityDependencies) -> int:
    """Request the datasets whose timetable is due, and return their number."""
    made = 0
    for dataset in timetabled(deps.now(), school, deps.config):
        _, _, last = deps.operations.latest_pull(school.estab, dataset.name)
        timetable = dataset.timetable
        if timetable and timetable.is_due(deps.now(), last, school.estab):
            request(school, dataset, deps)
            made += 1
    return made


def timetabled(now: datetime, school: School, config: DatasetConfig) -> list[Dataset]:
    """Return the datasets of today whose timetable is open now and whose scope is granted.

    Outside the hours of all timetables the result is empty, without any read.
    """
    if not school.is_pullable:
        return []
    return [
        today_of(dataset, now)
        for dataset in config.values()
        if dataset.timetable
        and dataset.timetable.is_open(now)
        and dataset.covered_by(school.scopes)
    ]


def request(
    school: School | None,
    dataset: Dataset,
    deps: AvailabilityDependencies,
    *,
    is_retry: bool = False,
) -> AvailabilityRequest:
    """Store a request, or find the open request for the same dataset; then enqueue it.

    The id follows from the number of the dataset's requests, so that two simultaneous calls,
    or a call repeated after a crash, make one request.

    Raises:
        RequestRejectedError: 404 or 409: the school is unknown, not live, or lacks the scope.
    """
    school = _askable(school, dataset)
    number, latest, _ = deps.operations.latest_pull(school.estab, dataset.name)
    item = deps.datasets.get(school.estab, dataset.name)
    while latest is None or not is_open(latest, item):
        number += 1
        latest = _begun(school.estab, dataset, number, deps, is_retry=is_retry)
        try:
            deps.operations.add(latest)
            break
        except ConflictError:
            latest = deps.operations.get(school.estab, latest.id)
    deps.operations.set_latest_pull(latest, number)
    if latest.awaits_pull_start:
        return start_pull(latest, deps)
    if latest.state is PullState.QUEUED:
        deps.requests.send(AdvanceRequest(latest.estab, latest.id).body())
    return latest


def _begun(
    estab: str, dataset: Dataset, number: int, deps: AvailabilityDependencies, *, is_retry: bool
) -> AvailabilityRequest:
    now = deps.now()
    pull = AvailabilityRequest(
        estab=estab,
        id=identity(OperationKind.PULL, estab, f"{dataset.name}/{number}"),
        created_at=now,
        watch_at=soon(now),
        dataset=dataset.name,
        definition=None if dataset.name in deps.config else dataset.definition(),
        is_retry=is_retry,
    )
    if dataset.parameters or dataset.timetable:
        return pull
    # Xporter refreshes this data overnight, so the pull needs no wait.
    return ended(pull, WaitOutcome.NOT_NEEDED, dataset.endpoint.ttl, now)


def _askable(school: School | None, dataset: Dataset) -> School:
    if school is None:
        raise RequestRejectedError(404, "there is no such school")
    if not school.is_pullable:
        raise RequestRejectedError(409, why_refused(school))
    if not dataset.covered_by(school.scopes):
        raise RequestRejectedError(
            409, f"the school has not granted scope {dataset.endpoint.scope}; ask it to"
        )
    return school


def start_pull(pull: AvailabilityRequest, deps: AvailabilityDependencies) -> AvailabilityRequest:
    """Raise the dataset's demand, store its number in the request, and send the pull's message.

    After a crash between the first two steps, the repetition costs one more pull. After a crash
    before the message, the dataset is overdue, and the watchdog finds it.
    """
    item = deps.datasets.add_demand(
        pull.estab,
        pull.dataset,
        deps.now(),
        definition=pull.definition,
        staleness=pull.staleness,
    )
    after = deps.operations.change(
        pull.estab, pull.id, lambda it: pull_started(it, item.demand.requested, deps.now())
    )
    deps.pulls.send(PullDataset(pull.estab, pull.dataset).body())
    return after or pull


def dataset_of(pull: AvailabilityRequest, config: DatasetConfig) -> Dataset:
    """Return the dataset of the request.

    Raises:
        PermanentError: The dataset is no longer configured.
        RequestRejectedError: 404: the endpoint of its definition has left the catalogue.
    """
    if pull.definition:
        return redefined(pull.dataset, pull.definition, config.values(), config.field_profile)
    if pull.dataset not in config:
        raise PermanentError("not_configured")
    return config[pull.dataset]


def today_of(dataset: Dataset, now: datetime) -> Dataset:
    """Return the dataset for today in the UK; the dataset itself if it does not roll."""
    return dataset.on(now.astimezone(SCHOOL_TIME).date())
