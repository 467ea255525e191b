"""The payloads of writebacks: Xporter's own shapes with every documented rule (xporter-api.md 8).

A rule that is broken here costs nothing; broken at Xporter it costs an hour and leaves doubt. So
unknown fields are refused too: a misspelt optional one would silently not be written.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Hashable, Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from xporter_bridge.writebacks.mis_values import identity_of, uk_day

# A calendar date, and perhaps a time: no week dates, no ordinal dates, no digits of other scripts.
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,7})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_YEARS = range(1900, 2200)


def rule_error(message: str, *place: str | int) -> PydanticCustomError:
    """Return an error about a place below the model that finds it; it never quotes a value."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return PydanticCustomError("rule", "{text}", {"text": f"{where.lstrip('.')} {message}".strip()})


def _day(text: str) -> str:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise PydanticCustomError("date", "must be a date like 2026-11-20")


def _moment(text: str) -> str:
    try:
        if _MOMENT.fullmatch(text) and uk_day(text).year in _YEARS:
            return text
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("moment", "must be a date, or a date and time like 2026-11-20T09:00")


def _comparable(value: Any) -> Any:
    """Refuse an id that could not be compared with the ids that the MIS shows."""
    if identity_of(value) is None:
        raise PydanticCustomError("identity", "must be a number of the MIS, with or without PL-")
    return value


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PydanticCustomError("base64", "must be base64") from error
    return text


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("identity", "must be a number or a text")
    return value


_Text = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Identity = Annotated[int | _Text, BeforeValidator(_no_truth)]
# An id by which what was written is found again, so that it is never written twice.
SoughtId = Annotated[Identity, AfterValidator(_comparable)]
Day = Annotated[str, AfterValidator(_day)]
Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)]
FreeText = Annotated[str, StringConstraints(max_length=500)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=2, pattern=r"^[^\s\x00-\x1f]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _AnyMark(_Strict):
    StudentId: SoughtId
    Date: Day
    Mark: Code
    Mins: int | None = Field(default=None, ge=0, le=1440)
    Notes: FreeText | None = None


class SessionMark(_AnyMark):
    """A pupil's mark in one session of a day."""

    MarkType: Literal["S"] = "S"
    Session: Literal["AM", "PM"]

    def place(self) -> Hashable:
        """Return what no other mark of the request may be about."""
        return identity_of(self.StudentId), self.Date, self.Session


class LessonMark(_AnyMark):
    """A pupil's mark in one lesson; ``InstanceId`` is the lesson's PeriodId."""

    MarkType: Literal["L"] = "L"
    InstanceId: SoughtId

    def place(self) -> Hashable:
        """Return what no other mark of the request may be about."""
        return identity_of(self.StudentId), self.Date, identity_of(self.InstanceId)


class _Attendance(_Strict):
    mode: Literal["async", "sync"] = "async"


class SessionAttendance(_Attendance):
    """Session marks of any number of pupils and dates."""

    Marks: list[SessionMark] = Field(min_length=1, max_length=5000)

    @model_validator(mode="after")
    def _marks_differ(self) -> SessionAttendance:
        _distinct("Marks", (mark.place() for mark in self.Marks))
        return self


class LessonAttendance(_Attendance):
    """Lesson marks of any number of pupils and dates."""

    Marks: list[LessonMark] = Field(min_length=1, max_length=5000)

    @model_validator(mode="after")
    def _marks_differ(self) -> LessonAttendance:
        _distinct("Marks", (mark.place() for mark in self.Marks))
        return self


class Conduct(_Strict):
    """An achievement or an incident of behaviour; lookup ids are the LocalIds of ConductLookups."""

    Id: int
    IncidentType: Literal["Ach", "Beh"]
    RecordedById: Identity
    EntryDate: Moment
    TypeId: Identity
    ActivityId: Identity | None = None
    Note: FreeText | None = None
    BullTypeId: Identity | None = None
    LocationId: Identity | None = None
    StatusId: Identity | None = None
    EntryTimeId: Identity | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Conduct:
        if self.IncidentType == "Beh" and self.StatusId is None:
            raise rule_error("is mandatory for behaviour", "StatusId")
        if self.IncidentType == "Ach":
            for name in ("BullTypeId", "LocationId", "StatusId", "EntryTimeId"):
                if getattr(self, name) is not None:
                    raise rule_error("exists for behaviour only", name)
        return self


class Participant(_Strict):
    """A pupil's part in a conduct."""

    ConductId: int
    Points: int
    StudentId: SoughtId
    OutcomeId: Identity | None = None
    RoleId: Identity | None = None


class StaffMember(_Strict):
    """A member of staff's part in a conduct."""

    ConductId: int
    StaffId: Identity
    StaffRoleId: Identity | None = None


class MediaFile(_Strict):
    """A picture or recording that belongs to a conduct."""

    Id: Identity
    ConductId: int
    MediaDateTime: Moment
    Description: FreeText
    MediaType: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    FileName: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    MediaBase64: Annotated[str, StringConstraints(min_length=1), AfterValidator(_base64)]


class ConductWriteback(_Strict):
    """Achievements and behaviour with everybody and everything that belongs to them."""

    mode: Literal["async", "sync"] = "sync"
    Conducts: list[Conduct] = Field(min_length=1, max_length=500)
    Participants: list[Participant] = Field(min_length=1, max_length=5000)
    Staff: list[StaffMember] = Field(default_factory=list, max_length=500)
    MediaFiles: list[MediaFile] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _belongs_together(self) -> ConductWriteback:
        kinds = {conduct.Id: conduct.IncidentType for conduct in self.Conducts}
        _distinct("Conducts", (conduct.Id for conduct in self.Conducts))
        _distinct(
            "Participants", ((p.ConductId, identity_of(p.StudentId)) for p in self.Participants)
        )
        for name in ("Participants", "Staff", "MediaFiles"):
            for number, entry in enumerate(getattr(self, name)):
                if entry.ConductId not in kinds:
                    raise rule_error("names no conduct of this request", name, number, "ConductId")
        for number, participant in enumerate(self.Participants):
            if participant.RoleId is not None and kinds[participant.ConductId] == "Ach":
                raise rule_error("exists for behaviour only", "Participants", number, "RoleId")
        taking_part = {participant.ConductId for participant in self.Participants}
        for number, conduct in enumerate(self.Conducts):
            if conduct.Id not in taking_part:
                raise rule_error("has no participant", "Conducts", number)
        return self


def _distinct(name: str, places: Iterable[Hashable]) -> None:
    seen: dict[Hashable, int] = {}
    for number, place in enumerate(places):
        if place in seen:
            raise rule_error(f"is about the same as {name}[{seen[place]}]", name, number)
        seen[place] = number
