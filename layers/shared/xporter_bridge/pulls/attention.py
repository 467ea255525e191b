"""The troubles of a school's datasets for a person, several of one kind in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls import freshness
from xporter_bridge.pulls.failures import in_words
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.attention import Attention, Severity
from xporter_bridge.schools.trouble import Trouble
from xporter_bridge.timestamps import earliest, to_milliseconds

# So many attempts in a row fail within a minute when Xporter stumbles once.
TROUBLED_AFTER_FAILURES = 5
_FIRST_PULL_WITHIN = timedelta(days=1)
_ROWS = re.compile(r"(?P<table>\S+): (?P<some>\d+) of (?P<all>\d+) rows (?P<verb>\w+)")
_ABSENT = re.compile(r"(?P<table>\S+): absent from the answer")
# Tables of people, as people call them; the rows of every other table are "rows of" the table.
_PEOPLE = {"students": "pupils", "staff": "staff", "contacts": "contacts"}


@dataclass(frozen=True)
class _Kind:
    """One kind of trouble: its sentence for one dataset, for several, and the remedy."""

    is_of: Callable[[DatasetRecord], bool]
    one: str
    several: str
    do: str
    rank: int


_HELD = _Kind(
    lambda item: item.hold is not None and not item.demand.decision,
    "dataset waits for your decision",
    "datasets wait for your decision",
    "Compare with the school, then approve or reject; undecided, it is computed anew each week.",
    50,
)
_HELD_ANEW = _Kind(
    lambda item: item.hold is None and item.held_since is not None,
    "dataset is pulled anew, as nobody decided on the held change",
    "datasets are pulled anew, as nobody decided on the held changes",
    "Decide on the change when it is held again, within minutes if Xporter answers.",
    49,
)
_DECIDED = _Kind(
    lambda item: item.hold is not None and bool(item.demand.decision),
    "decision is being carried out",
    "decisions are being carried out",
    "Nothing to do: it takes minutes.",
    5,
)
_FAILED = _Kind(
    lambda item: item.state is DatasetState.FAILED,
    "dataset cannot be pulled",
    "datasets cannot be pulled",
    "See its reason in docs/runbook.md, A dataset is failed; the bridge also tries again.",
    40,
)
_FAILING = _Kind(
    lambda item: shown_state(item) is DatasetState.FAILING,
    "dataset fails at every attempt",
    "datasets fail at every attempt",
    "Wait: the bridge tries again by itself. If it lasts, see docs/runbook.md, Alarm: pull-failed.",
    30,
)


def shown_state(item: DatasetRecord) -> DatasetState:
    """Return the state as people see it: ``failing`` while the attempts at a pull fail.

    The stored state stays what the last pull that ended left, so that an earlier version reads it.
    """
    if item.progress.failures and item.state in {DatasetState.CURRENT, DatasetState.PENDING}:
        return DatasetState.FAILING
    return item.state


def of_datasets(
    items: Iterable[DatasetRecord], config: DatasetConfig, since: datetime | None, now: datetime
) -> list[Attention]:
    """Return what deserves attention, one entry per kind.

    Args:
        items: The datasets of a school that is connected.
        since: When the school was connected.
    """
    known = [item for item in items if item.state is not DatasetState.ERASED]
    found = [
        _held(known),
        _held_anew(known),
        _failed(known, _FAILED, Severity.TROUBLE),
        _failing(known),
        _old(known, config, now),
        _waiting(known, since, now),
        _decided(known),
    ]
    return [each for each in found if each is not None]


def worst_trouble(
    items: Iterable[DatasetRecord], config: DatasetConfig, since: datetime | None, now: datetime
) -> Trouble | None:
    """Return the worst of what needs a person; None if nothing does. Arguments: ``of_datasets``."""
    worst = max(of_datasets(items, config, since, now), key=Attention.weight, default=None)
    if worst is None or worst.severity is not Severity.TROUBLE:
        return None
    return Trouble(worst.rank, worst.since and to_milliseconds(worst.since))


def _held(items: list[DatasetRecord]) -> Attention | None:
    held = [item for item in items if _HELD.is_of(item)]
    if not held:
        return None
    reasons = [reason for item in held if item.hold for reason in item.hold.reasons]
    since = earliest(*(item.hold.since for item in held if item.hold))
    return _together(_HELD, held, Severity.TROUBLE, _worst(reasons), since)


def _held_anew(items: list[DatasetRecord]) -> Attention | None:
    waiting = [item for item in items if _HELD_ANEW.is_of(item)]
    if not waiting:
        return None
    since = earliest(*(item.held_since for item in waiting))
    return _together(_HELD_ANEW, waiting, Severity.TROUBLE, "", since)


def _decided(items: list[DatasetRecord]) -> Attention | None:
    decided = [item for item in items if _DECIDED.is_of(item)]
    return _together(_DECIDED, decided, Severity.NOTICE, "", None) if decided else None


def _worst(reasons: list[str]) -> str:
    """Return the sentence about the largest share of rows; a table that is absent comes last."""
    shares = {}
    for match in filter(None, map(_ROWS.fullmatch, reasons)):
        what = _PEOPLE.get(match["table"].casefold(), f"rows of {match['table']}")
        says = f"{match['some']} of {match['all']} {what} {match['verb']}"
        shares[says] = int(match["some"]) / max(int(match["all"]), 1)
    if shares:
        return max(shares, key=lambda says: (shares[says], says))
    absent = [match["table"] for match in filter(None, map(_ABSENT.fullmatch, reasons))]
    return f"{', '.join(absent)} missing from Xporter's answer" if absent else ""


def _failing(items: list[DatasetRecord]) -> Attention | None:
    is_lasting = any(
        _FAILING.is_of(item) and item.progress.failures >= TROUBLED_AFTER_FAILURES for item in items
    )
    return _failed(items, _FAILING, Severity.TROUBLE if is_lasting else Severity.NOTICE)


def _failed(items: list[DatasetRecord], kind: _Kind, severity: Severity) -> Attention | None:
    failed = [item for item in items if kind.is_of(item) and not item.hold]
    if not failed:
        return None
    worst = max(failed, key=lambda item: item.progress.failures)
    since = earliest(*(item.published.checked_at for item in failed))
    return _together(kind, failed, severity, in_words(worst.reason), since)


def _old(items: list[DatasetRecord], config: DatasetConfig, now: datetime) -> Attention | None:
    """Return what to say of data that are old, and by whose fault, though nothing failed."""
    reasons, ages, count = set(), [], 0
    for item in items:
        if item.definition is not None or not item.published.checked_at:
            continue
        state = freshness.of_dataset(item, config.dataset_of(item), now)
        if state is None or not state.is_stale:
            continue
        is_ours = freshness.CHECKED_AT_IS_OLD in state.reason
        reasons.add(is_ours)
        ages.append(state.checked_at if is_ours else state.as_of)
        count += 1
    if not count:
        return None
    what = f"{count} dataset{' is' if count == 1 else 's are'} old"
    if True in reasons:
        says = f"{what}: we have not compared with Xporter in time."
        do = "See docs/runbook.md, Is this school connected, and how old is its data?"
    else:
        says = f"{what}: Xporter has had no newer data from the school."
        do = "Ask the school whether its Xporter agent runs."
    return Attention(Severity.TROUBLE, says, do, earliest(*ages), 20)


def _waiting(items: list[DatasetRecord], since: datetime | None, now: datetime) -> Attention | None:
    """Return what to say of datasets that no pull has ended of yet."""
    waiting = [item for item in items if shown_state(item) is DatasetState.PENDING]
    if not waiting:
        return None
    is_late = since is not None and since + _FIRST_PULL_WITHIN <= now
    severity = Severity.TROUBLE if is_late and any(w.is_due for w in waiting) else Severity.NOTICE
    says = f"{_count(len(waiting), 'dataset waits', 'datasets wait')} for the first pull."
    do = "See docs/runbook.md, Is this school connected, and how old is its data?"
    if severity is Severity.NOTICE:
        do = "Nothing to do: the bridge pulls by itself."
    return Attention(severity, says, do, since, 10)


def _together(
    kind: _Kind,
    items: list[DatasetRecord],
    severity: Severity,
    detail: str,
    since: datetime | None,
) -> Attention:
    what = _count(len(items), kind.one, kind.several)
    says = f"{what}: {detail}." if detail else f"{what}."
    return Attention(severity, says, kind.do, since, kind.rank)


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
