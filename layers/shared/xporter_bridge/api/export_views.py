"""What a person who exports data states through the API, for the audit trail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from xporter_bridge.api.schemas import RequestBody

Count = Annotated[int, Field(ge=0, le=10**12)]


class ExportBody(RequestBody):
    """What will be exported: the whole school, or the rows of one person, who is not named."""

    kind: Literal["school", "person"]


class ExportOutcomeBody(RequestBody):
    """How an export ended: how many files and rows were written."""

    outcome: Literal["completed", "failed"]
    files: Count = 0
    rows: Count = 0


class ExportStated(BaseModel):
    """What was stated is in the audit trail; `id` is that of the export."""

    estab: str
    id: str
