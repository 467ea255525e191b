"""Ends the wait of a pull on request, by Xporter's callback or at the deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from xporter_bridge import telemetry
from xporter_bridge.availability.accept import AvailabilityDependencies, dataset_of, start_pull
from xporter_bridge.availability.messages import AvailabilityReceived
from xporter_bridge.availability.model import AvailabilityRequest, callback_received, timed_out


def settle(message: AvailabilityReceived, deps: AvailabilityDependencies) -> None:
    """Process an availability callback; a late or repeated callback changes nothing.

    Raises:
        TransientError: AWS failed; the message should come again.
    """
    pull = deps.operations.get(message.estab, message.id)
    if pull is None:
        return
    ttl = _ttl(pull, deps)
    if pull.awaits_availability:
        end_wait(pull, deps, lambda it: callback_received(it, message.statuses, ttl, deps.now()))
    elif pull.awaits_pull_start:
        start_pull(pull, deps)


def expire(pull: AvailabilityRequest, deps: AvailabilityDependencies) -> None:
    """End the wait if the deadline has passed, and request the pull of Xporter's cached data."""
    ttl = _ttl(pull, deps)
    if timed_out(pull, ttl, deps.now()) != pull:
        telemetry.count("DeadlinePassed", "availability")
        end_wait(pull, deps, lambda it: timed_out(it, ttl, deps.now()))


def end_wait(
    pull: AvailabilityRequest,
    deps: AvailabilityDependencies,
    decide: Callable[[AvailabilityRequest], AvailabilityRequest],
) -> None:
    """End the wait and start the dataset's pull, also if another process ended the wait."""
    after = deps.operations.change(pull.estab, pull.id, decide)
    if after is None or not after.awaits_pull_start:
        return
    telemetry.count("AvailabilityEnded", str(after.outcome))
    telemetry.record(
        "availability_ended",
        estab=pull.estab,
        id=pull.id,
        dataset=pull.dataset,
        outcome=str(after.outcome),
        reason=after.reason or None,
    )
    start_pull(after, deps)


def _ttl(pull: AvailabilityRequest, deps: AvailabilityDependencies) -> timedelta:
    return dataset_of(pull, deps.config).endpoint.ttl
