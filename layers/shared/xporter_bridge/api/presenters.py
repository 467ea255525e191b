"""Maps records to the schemas of the API: never a secret, a token, a URL or content."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from xporter_bridge.api.attention import attention_of
from xporter_bridge.api.schemas import (
    AttentionView,
    DatabaseFreshness,
    DatasetView,
    FreshnessView,
    HoldView,
    Manifest,
    MissingScopeView,
    PartView,
    PullView,
    ReadingView,
    RegistrationView,
    ResultView,
    SchoolView,
    StatusView,
    WritebackView,
)
from xporter_bridge.availability.model import AvailabilityRequest, PullState, result_of
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.pulls import freshness
from xporter_bridge.pulls.attention import shown_state
from xporter_bridge.pulls.freshness import Freshness
from xporter_bridge.pulls.model import next_unprompted_pull_at
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.attention import Severity
from xporter_bridge.schools.model import School
from xporter_bridge.schools.states import UNUSED, SchoolState
from xporter_bridge.timestamps import iso, iso_or_none
from xporter_bridge.writebacks.model import Part, ReadBackResult, Writeback


def present_school(
    school: School, held: list[DatasetRecord], config: DatasetConfig, now: datetime
) -> SchoolView:
    """Return the API's answer about a school and its datasets."""
    items = [*held, *_not_begun(school, held, config)]
    attention = attention_of(school, items, config, now)
    # "Data is kept up to date" is said of no school that anything is the matter with.
    is_claimed = school.state is SchoolState.LIVE and not school.is_being_erased
    is_well = attention.severity is Severity.NONE or not is_claimed
    return SchoolView(
        estab=school.estab,
        name=school.name or None,
        state=school.state,
        state_since=iso_or_none(school.state_since),
        cause=school.cause or None,
        next_step=school.next_step if is_well else attention.do,
        attention=AttentionView.model_validate(attention.document()),
        last_refusal=school.last_refusal or None,
        ends_at=iso(school.end.at) if school.end and school.state in UNUSED else None,
        erasure_requested_at=iso_or_none(school.erasure_requested_at),
        scopes=list(school.scopes),
        missing_scopes=[
            MissingScopeView(scope=scope, kept_until=iso_or_none(until))
            for scope, until in sorted(school.missing_scopes.items())
        ],
        freshness=_databases(items, config, now),
        registrations=[
            RegistrationView(
                database=each.database, registered_at=iso(each.registered_at), key_id=each.key_id
            )
            for each in sorted(school.registrations.values(), key=lambda each: each.database)
        ],
        datasets=[
            _dataset(item, config.dataset_of(item), now)
            for item in sorted(items, key=lambda item: item.dataset)
        ],
    )


def present_pull(
    pull: AvailabilityRequest, item: DatasetRecord | None, state: PullState, document: Any
) -> PullView:
    """Return the API's answer about a pull on request."""
    failure = item.reason if item and state in {PullState.FAILED, PullState.HELD} else ""
    return PullView(
        id=pull.id,
        estab=pull.estab,
        dataset=pull.dataset,
        parameters=(pull.definition or {}).get("parameters", {}),
        state=state,
        reason=pull.reason or failure or None,
        result=result_of(pull, item, state),
        outcome=pull.outcome,
        statuses=[StatusView(database=name, status=said) for name, said in pull.statuses],
        requested_at=iso(pull.created_at),
        deadline_at=iso_or_none(pull.deadline_at),
        manifest=Manifest(**document) if document else None,
    )


def present_writeback(writeback: Writeback) -> WritebackView:
    """Return the API's answer about a writeback: ids, counts and reasons, never its content."""
    return WritebackView(
        id=writeback.id,
        estab=writeback.estab,
        kind=writeback.kind,
        mode=writeback.mode,
        state=writeback.state,
        reason=writeback.reason or None,
        requested_at=iso(writeback.created_at),
        parts=[_part(part) for part in writeback.parts],
    )


def _not_begun(
    school: School, held: list[DatasetRecord], config: DatasetConfig
) -> list[DatasetRecord]:
    """Return the configured datasets that nobody has asked for yet, as far as there may be any."""
    if school.state is SchoolState.ERASED or school.is_being_erased:
        return []
    known = {item.dataset for item in held}
    waiting = []
    for dataset in config.values():
        if dataset.name in known or dataset.is_rolling:
            continue
        item = DatasetRecord(school.estab, dataset.name)
        if school.is_pullable and not dataset.covered_by(school.scopes):
            reason = f"needs the scope {dataset.endpoint.scope}"
            item = replace(item, state=DatasetState.NOT_COVERED, reason=reason)
        waiting.append(item)
    return waiting


def _databases(
    items: list[DatasetRecord], config: DatasetConfig, now: datetime
) -> list[DatabaseFreshness]:
    """Return how fresh each database is, from the datasets that are kept up to date."""
    found: dict[str, list[Freshness]] = {}
    for item in items:
        dataset = config.dataset_of(item)
        state = freshness.of_dataset(item, dataset, now) if item.definition is None else None
        if dataset and state:
            found.setdefault(dataset.database, []).append(state)
    return [
        DatabaseFreshness(database=name, **_ages(freshness.together(parts)))
        for name, parts in sorted(found.items())
    ]


def _dataset(item: DatasetRecord, dataset: Dataset | None, now: datetime) -> DatasetView:
    state = freshness.of_dataset(item, dataset, now)
    return DatasetView(
        dataset=item.dataset,
        endpoint=dataset.endpoint.name if dataset else None,
        database=dataset.database if dataset else None,
        parameters=dict(dataset.parameters) if dataset else {},
        state=shown_state(item),
        reason=item.reason or None,
        sequence=item.published.sequence,
        retry_at=iso_or_none(item.progress.retry_at or _asked_again_at(item, dataset)),
        freshness=FreshnessView(**_ages(state)) if state else None,
        hold=_hold(item),
    )


def _asked_again_at(item: DatasetRecord, dataset: Dataset | None) -> datetime | None:
    """Return when a failed dataset is pulled again by itself; None for one that has not failed."""
    if item.state is not DatasetState.FAILED or dataset is None:
        return None
    return next_unprompted_pull_at(item, dataset.endpoint.ttl)


def _hold(item: DatasetRecord) -> HoldView | None:
    if not item.hold:
        return None
    return HoldView(
        since=iso(item.hold.since),
        expires_at=iso(item.hold.expires_at),
        reasons=list(item.hold.reasons),
        sequence=item.hold.manifest.sequence,
        decision=item.demand.decision or None,
    )


def _part(part: Part) -> PartView:
    return PartView(
        date=part.date or None,
        rows=part.rows,
        state=part.state,
        attempts=part.attempts,
        sent_at=iso_or_none(part.sent_at),
        deadline_at=iso_or_none(part.deadline_at),
        tracking_id=part.tracking_id or None,
        reason=part.reason or None,
        results=[ResultView(id=ours, mis_id=theirs) for ours, theirs in part.results],
        reading=_reading(part.reading) if part.reading else None,
    )


def _reading(reading: ReadBackResult) -> ReadingView:
    return ReadingView(
        expected=reading.expected,
        found=reading.found,
        similar=reading.similar,
        marks_seen=dict(reading.seen),
        as_of=iso_or_none(reading.as_of),
    )


def _ages(state: Freshness) -> dict[str, Any]:
    return {
        "as_of": iso_or_none(state.as_of),
        "checked_at": iso_or_none(state.checked_at),
        "age_seconds": state.age_seconds,
        "is_stale": state.is_stale,
        "reason": state.reason or None,
    }
