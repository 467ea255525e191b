"""The schemas of the API's requests and responses; its OpenAPI document is made of them.

Times are ISO-8601 with ``Z``. What is not known yet is null, never absent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from xporter_bridge.availability.model import PullState, WaitOutcome
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.attention import Severity
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.writebacks.model import PartState, WritebackKind, WritebackState


class RequestBody(BaseModel):
    """What the company's software sends: unknown fields are mistakes of its own."""

    model_config = ConfigDict(extra="forbid")


class FreshnessView(BaseModel):
    """How old data is; ``is_stale`` if it is too old, and ``reason`` says by which clock."""

    as_of: str | None
    checked_at: str | None
    age_seconds: int | None
    is_stale: bool
    reason: str | None = None


class DatabaseFreshness(FreshnessView):
    """How old what was pulled of one of Xporter's databases is: its oldest dataset."""

    database: str


class RegistrationView(BaseModel):
    """A webhook that Xporter holds for a database; ``key_id`` names the key that signed it."""

    database: str
    registered_at: str
    key_id: str


class MissingScopeView(BaseModel):
    """A scope that was granted and is not named any more; null ``kept_until`` is for a person."""

    scope: str
    kept_until: str | None


class HoldView(BaseModel):
    """A change set that waits for a decision; undecided at ``expires_at``, it is computed anew.

    ``since`` is when the first change was held on which nobody has decided yet.
    """

    since: str
    expires_at: str
    reasons: list[str]
    sequence: int
    decision: str | None


class DatasetView(BaseModel):
    """A dataset of a school; ``reason`` says why its state is not ``current``."""

    dataset: str
    endpoint: str | None
    database: str | None
    parameters: dict[str, str]
    state: DatasetState
    reason: str | None
    sequence: int
    retry_at: str | None
    freshness: FreshnessView | None
    hold: HoldView | None


class AttentionView(BaseModel):
    """What matters most about a school, for a person: what it is, what to do, and since when.

    ``trouble`` needs somebody, ``notice`` passes by itself, and ``none`` is that all is well.
    """

    says: str
    do: str
    since: str | None
    severity: Severity


class SchoolView(BaseModel):
    """A school: what it allows, where it stands, why, and what happens next.

    ``last_refusal`` is why the latest callback with a secret was not believed; null once one is.
    ``ends_at`` is when a school that is paused or revoked for long will be erased; null if that is
    not announced.
    """

    estab: str
    name: str | None
    state: SchoolState
    state_since: str | None
    cause: str | None
    next_step: str
    attention: AttentionView
    last_refusal: str | None
    ends_at: str | None
    erasure_requested_at: str | None
    scopes: list[str]
    missing_scopes: list[MissingScopeView]
    freshness: list[DatabaseFreshness]
    registrations: list[RegistrationView]
    datasets: list[DatasetView]


class SchoolPage(BaseModel):
    """Some schools, in no particular order; ``cursor`` gives the next page, null is the end."""

    schools: list[SchoolView]
    cursor: str | None


class Manifest(BaseModel):
    """What readers of the bucket find in ``latest.json``; docs/data.md explains all of it."""

    model_config = ConfigDict(extra="allow")

    estab: str
    dataset: str
    sequence: int
    completed_at: str
    stale: bool
    tables: dict[str, dict[str, Any]]


class PullRequestBody(RequestBody):
    """A dataset by its name, or an endpoint of Xporter with its parameters and options."""

    dataset: str | None = Field(default=None, max_length=150)
    endpoint: str | None = Field(default=None, max_length=100)
    parameters: dict[str, str] = Field(default_factory=dict)
    options: list[str] = Field(default_factory=list, max_length=50)


class Accepted(BaseModel):
    """What was taken on; ``GET`` with the id tells what became of it."""

    id: str


class StatusView(BaseModel):
    """What Xporter said of a database that it had to refresh first."""

    database: str
    status: str


class PullView(BaseModel):
    """A pull on request.

    ``result`` is how the pull itself ended; ``outcome`` how the wait before it did, in which
    Xporter refreshes the data: ``not_needed`` says that there was none.
    """

    id: str
    estab: str
    dataset: str
    parameters: dict[str, str]
    state: PullState
    reason: str | None
    result: AttemptOutcome | None
    outcome: WaitOutcome | None
    statuses: list[StatusView]
    requested_at: str
    deadline_at: str | None
    manifest: Manifest | None


class WritebackRequestBody(RequestBody):
    """What is to be written; docs/api.md has the payload of each kind."""

    kind: Literal["attendance", "lesson_attendance", "conduct"]
    payload: dict[str, Any]


class ResultView(BaseModel):
    """The id that the MIS gave to what our request called ``id``."""

    id: str
    mis_id: str


class ReadingView(BaseModel):
    """What the MIS showed of a part when its outcome did not come.

    ``similar`` counts what may be ours, altered since, and marks that stand in the place of ours;
    ``marks_seen`` counts the latter by their codes.
    """

    expected: int
    found: int
    similar: int
    marks_seen: dict[str, int]
    as_of: str | None


class PartView(BaseModel):
    """What one request to Xporter carried: one date of a writeback, and Xporter's answer to it."""

    date: str | None
    rows: int
    state: PartState
    attempts: int
    sent_at: str | None
    deadline_at: str | None
    tracking_id: str | None
    reason: str | None
    results: list[ResultView]
    reading: ReadingView | None


class WritebackView(BaseModel):
    """A writeback and what became of it."""

    id: str
    estab: str
    kind: WritebackKind
    mode: str
    state: WritebackState
    reason: str | None
    requested_at: str
    parts: list[PartView]


class HoldDecisionBody(RequestBody):
    """What shall become of a held change set."""

    decision: Literal["approve", "reject"]


class HoldDecided(BaseModel):
    """A decision that is being carried out; the dataset shows when it has been."""

    estab: str
    dataset: str
    decision: str


class ErasureAccepted(BaseModel):
    """A school that is being erased; it is gone when its state is ``erased``."""

    estab: str
    state: SchoolState
    erasure_requested_at: str | None


class FieldError(BaseModel):
    """One thing that is wrong with a request, and where."""

    at: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); ``instance`` is the request's id."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str
    errors: list[FieldError] = Field(default_factory=list)
