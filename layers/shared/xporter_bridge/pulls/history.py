"""What is remembered of a dataset's latest attempts: in its own item, so that it costs no write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge.pulls.attempt import Attempt, AttemptOutcome
from xporter_bridge.pulls.record import DatasetRecord, DatasetState

# Every write of the item pays for its size: twenty are about a kilobyte.
MOST_ATTEMPTS = 20
KEPT = timedelta(days=30)
_LONGEST_REASON = 80


@dataclass(frozen=True)
class Announcement:
    """A callback that said that a database had changed, and the datasets pulled for it."""

    database: str
    received_at: datetime
    datasets: tuple[str, ...]


def with_attempt(
    item: DatasetRecord, outcome: AttemptOutcome, now: datetime, reason: str = ""
) -> DatasetRecord:
    """Return the dataset with one more attempt remembered, and without those too old or too many.

    An attempt that ends as the one before did, and that no other callback caused, is counted there:
    an hour of failures is one entry.
    """
    known = [each for each in item.attempts if each.ended_at > now - KEPT]
    heard_before = max((each.heard_at for each in known if each.heard_at), default=None)
    heard = item.demand.heard_at
    is_news = heard is not None and (heard_before is None or heard > heard_before)
    made = Attempt(
        now,
        outcome,
        reason[:_LONGEST_REASON],
        item.published.sequence,
        heard if is_news else None,
    )
    last = known[-1] if known else None
    if last and not is_news and _ends_alike(last, made):
        first_at = last.first_at or last.ended_at
        known[-1] = replace(last, ended_at=now, count=last.count + 1, first_at=first_at)
    else:
        known.append(made)
    return replace(item, attempts=tuple(known[-MOST_ATTEMPTS:]))


def outcome_of(before: DatasetRecord, after: DatasetRecord) -> AttemptOutcome:
    """Return how a pull that was not stopped has ended."""
    if after.state is DatasetState.NOT_COVERED:
        return AttemptOutcome.NOT_COVERED
    if after.published.sequence > before.published.sequence:
        return AttemptOutcome.COMMITTED
    return AttemptOutcome.HELD if after.hold else AttemptOutcome.UNCHANGED


def with_decision(before: DatasetRecord, after: DatasetRecord, now: datetime) -> DatasetRecord:
    """Return the dataset with the decision on its hold remembered, if one was carried out.

    What nobody approves is rejected, by a person or by the end of its time.
    """
    if not before.hold or not before.demand.decision or after.hold:
        return after
    is_approved = before.demand.decision == "approve" and after.published != before.published
    return with_attempt(
        after, AttemptOutcome.APPROVED if is_approved else AttemptOutcome.REJECTED, now
    )


def announcements(
    items: Iterable[DatasetRecord], database_of: Mapping[str, str]
) -> list[Announcement]:
    """Return the callbacks that are remembered of a school's databases, the latest first.

    Of several callbacks before one pull, the latest is remembered.

    Args:
        database_of: The database of each dataset; a dataset that has none is left out.
    """
    found: dict[tuple[str, datetime], set[str]] = {}
    for item in items:
        database = database_of.get(item.dataset)
        heard = {each.heard_at for each in item.attempts} | {item.demand.heard_at}
        for moment in filter(None, heard):
            if database:
                found.setdefault((database, moment), set()).add(item.dataset)
    return [
        Announcement(database, moment, tuple(sorted(datasets)))
        for (database, moment), datasets in sorted(
            found.items(), key=lambda each: each[0][1], reverse=True
        )
    ]


def _ends_alike(last: Attempt, made: Attempt) -> bool:
    return (last.outcome, last.reason, last.sequence) == (made.outcome, made.reason, made.sequence)
