"""Advances a pull on request: requests the data from Xporter, ends the wait, and retries once.

These steps only decide when the pull begins and whether its result counts as fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.availability.accept import (
    AvailabilityDependencies,
    dataset_of,
    request,
    start_pull,
)
from xporter_bridge.availability.db_status import is_ready, statuses_in
from xporter_bridge.availability.messages import AdvanceRequest
from xporter_bridge.availability.model import (
    AvailabilityRequest,
    PullState,
    WaitOutcome,
    callback_received,
    ended,
    failed,
    retried,
    waiting,
)
from xporter_bridge.availability.settle import end_wait, expire
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import (
    AuthorisationPausedError,
    RateLimitedError,
    RequestRejectedError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSessions
from xporter_bridge.timestamps import has_come
from xporter_bridge.xporter.pages import has_tables


@dataclass(frozen=True)
class AskDependencies:
    """The additional dependencies of a request to Xporter."""

    sessions: SchoolSessions
    keys: Callable[[], Sequence[SigningKey]]
    callback_base_url: str
    deadline: timedelta


def advance(
    estab: str, id_: str, deps: AvailabilityDependencies, ask_deps: AskDependencies
) -> None:
    """Do the next step: send the request to Xporter, end an overdue wait, or retry a stale pull.

    Raises:
        TransientError: AWS failed; the message should come again.
    """
    pull = deps.operations.get(estab, id_)
    if pull is None:
        return
    if pull.state is PullState.QUEUED:
        _request_from_xporter(pull, deps, ask_deps)
    elif pull.awaits_availability:
        expire(pull, deps)
    elif pull.awaits_pull_start:
        start_pull(pull, deps)
    elif has_come(pull.retry_at, deps.now()):
        _retry(pull, deps, ask_deps)


def _request_from_xporter(
    pull: AvailabilityRequest, deps: AvailabilityDependencies, ask_deps: AskDependencies
) -> None:
    dataset = dataset_of(pull, deps.config)
    try:
        reply = _sent(pull, dataset, ask_deps, deps.now())
    except (SchoolNotReadyError, AuthorisationPausedError) as error:
        reason = error.reason
        deps.operations.change(pull.estab, pull.id, lambda it: failed(it, reason, deps.now()))
        telemetry.count("AvailabilityEnded", "failed")
    except (XporterRefusedError, XporterUnavailableError, RateLimitedError) as error:
        end_wait(pull, deps, _not_asked(error.reason, dataset, deps))
    else:
        _note_reply(pull, reply, dataset, deps, ask_deps.deadline)


def _sent(
    pull: AvailabilityRequest, dataset: Dataset, ask_deps: AskDependencies, now: datetime
) -> Mapping[str, object]:
    url = sign(
        CallbackKind.AVAILABILITY,
        pull.estab,
        pull.id,
        base_url=ask_deps.callback_base_url,
        keys=ask_deps.keys(),
    )
    # One row is enough: the pull begins after Xporter has reported the data as available.
    path, query = dataset.request()
    query |= {"page": "1", "pageSize": "1", "callbackUrl": url}
    session = ask_deps.sessions.open(pull.estab, now)
    return session.call(
        lambda token: ask_deps.sessions.xporter.school_data(pull.estab, path, token, query)
    )


def _note_reply(
    pull: AvailabilityRequest,
    reply: Mapping[str, object],
    dataset: Dataset,
    deps: AvailabilityDependencies,
    deadline: timedelta,
) -> None:
    """Continue to wait, unless the reply itself is a DBStatus with every database OK.

    Data in the reply does not end the wait: Xporter may return an expired cache entry while it
    refreshes the data in the background (xporter-api.md 5.6 and 13.8).
    """
    statuses = statuses_in(reply)
    if is_ready(statuses) and not has_tables(reply):
        ttl = dataset.endpoint.ttl
        end_wait(pull, deps, lambda it: callback_received(it, statuses, ttl, deps.now()))
        return
    deps.operations.change(pull.estab, pull.id, lambda it: waiting(it, deadline, deps.now()))
    # A message at the deadline ends the wait on time; if it is lost, the watchdog ends it.
    wait = int(deadline.total_seconds()) + 1
    if wait <= 900:
        again = AdvanceRequest(pull.estab, pull.id)
        deps.requests.send(again.body(), delay_seconds=wait)
    telemetry.record("availability_asked", estab=pull.estab, id=pull.id, dataset=pull.dataset)


def _not_asked(
    reason: str, dataset: Dataset, deps: AvailabilityDependencies
) -> Callable[[AvailabilityRequest], AvailabilityRequest]:
    ttl = dataset.endpoint.ttl
    return lambda pull: ended(pull, WaitOutcome.NOT_ASKED, ttl, deps.now(), reason=reason)


def _retry(
    pull: AvailabilityRequest, deps: AvailabilityDependencies, ask_deps: AskDependencies
) -> None:
    """Request the dataset of a stale result once more, unless it has been pulled since."""
    item = deps.datasets.get(pull.estab, pull.dataset)
    if item is not None and item.demand.requested <= pull.generation:
        school = ask_deps.sessions.schools.get(pull.estab)
        try:
            request(school, dataset_of(pull, deps.config), deps, is_retry=True)
        except RequestRejectedError as rejected:
            telemetry.warn("stale_pull_not_retried", estab=pull.estab, reason=rejected.detail)
    deps.operations.change(pull.estab, pull.id, retried)
