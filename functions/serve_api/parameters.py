"""The parameters in paths, queries and headers, typed once for all routes."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from xporter_bridge.schools.states import SchoolState

Estab = Annotated[
    str,
    Path(pattern="^[0-9]{7}$", description="The school's DfE number, as Xporter writes it."),
]
DatasetName = Annotated[
    str,
    Path(
        pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,149}$",
        description="A configured dataset, or one made by a pull with parameters.",
    ),
]
OperationId = Annotated[
    str,
    Path(pattern="^[A-Za-z0-9-]{1,100}$", description="The id that was answered to the POST."),
]
State = Annotated[SchoolState | None, Query(description="Only schools in this state.")]
Troubled = Annotated[
    bool | None,
    Query(description="Only schools that need a person (true), the worst first; or the others."),
]
Search = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        description="Only schools whose number or name holds this text, in any case.",
    ),
]
Fields = Annotated[
    str | None,
    Query(
        pattern="^[a-z_]+(,[a-z_]+)*$",
        max_length=300,
        description="Only these fields of each school, with commas between; the estab always.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many schools at most.")]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="From the page before; opaque."),
]
ChangeLimit = Annotated[int, Query(ge=1, le=1000, description="How many changes at most.")]
ChangeCursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=400,
        pattern="^[A-Za-z0-9_-]+$",
        description="The `cursor` of the answer before; opaque.",
    ),
]
Subject = Annotated[
    str | None,
    Query(
        pattern="^([0-9]{7}|stack)$",
        description="A school's number, or `stack` for what concerns no single school.",
    ),
]
AuditLimit = Annotated[int, Query(ge=1, le=100, description="How many entries at most.")]
AuditCursor = Annotated[
    str | None,
    Query(min_length=1, max_length=400, description="From the page before; opaque."),
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Yours, one per writeback: repeating a request with it is harmless.",
    ),
]
