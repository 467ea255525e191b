"""Ends the wait for data that Xporter had to fetch, by its callback or by the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.availability.accept import AvailabilityDesk, dataset_of, hand_over
from xporter_bridge.availability.model import PullRequest, answered, overdue


def settle(message: Mapping[str, Any], desk: AvailabilityDesk) -> None:
    """Take in an availability callback; late, repeated, or after the end it changes nothing.

    Raises:
        TransientError: The message should come again.
    """
    pull = desk.operations.pull(message["estab"], message["id"])
    if pull is None:
        return
    ttl = _ttl(pull)
    statuses = tuple((name, status) for name, status in message["statuses"])
    if pull.awaits_availability:
        end_wait(pull, desk, lambda it: answered(it, statuses, ttl, desk.now()))
    elif pull.is_half_handed_over:
        hand_over(pull, desk)


def expire(pull: PullRequest, desk: AvailabilityDesk) -> None:
    """Stop waiting for a callback if its deadline has passed, and pull what Xporter has."""
    ttl = _ttl(pull)
    if overdue(pull, ttl, desk.now()) != pull:
        telemetry.count("DeadlinePassed", "availability")
        end_wait(pull, desk, lambda it: overdue(it, ttl, desk.now()))


def end_wait(
    pull: PullRequest, desk: AvailabilityDesk, decide: Callable[[PullRequest], PullRequest]
) -> None:
    """End the wait and have the dataset pulled, whoever ended it."""
    after = desk.operations.change_pull(pull.estab, pull.id, decide)
    if after is None or not after.is_half_handed_over:
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
    hand_over(after, desk)


def _ttl(pull: PullRequest) -> timedelta:
    return dataset_of(pull).endpoint.ttl
