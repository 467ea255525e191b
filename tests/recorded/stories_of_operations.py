"""Pulls on request and writebacks, and every way in which they can end."""

from __future__ import annotations

import json
from typing import Any

from tests.recorded.actors import (
    ATTENDANCE_SCOPES,
    DAY,
    ESTAB,
    OTHER,
    WRITEBACK_SCOPES,
    Keep,
    ask,
    authorise,
    call_back,
    founded,
    mark,
    outcomes_sent,
    take_in,
    urls_given,
    write,
)
from tests.recorded.replaced import with_timetable
from tests.recorded.support import Deployment
from tests.support.builders import FORM
from tests.support.moto_cloud import refusing
from tests.support.xporter import Xporter


def requesting(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """Pulls on request that wait for Xporter, and every way in which the wait can end."""
    take_in(it, xporter, scopes=ATTENDANCE_SCOPES)
    ids = {
        day: ask(it, endpoint="AttendanceForDate", parameters={"date": day})
        for day in ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
    }
    ids["configured"] = ask(it, dataset="schoolinfo")
    it.cloud.take("PullQueue")
    keep("queued")
    messages = it.cloud.take("AvailabilityRequestQueue")
    assert len(messages) == 5
    it.consume("AvailabilityRequestQueue", *messages[:3])
    # One that Xporter cannot be asked for, and one whose hand-over was interrupted.
    xporter.set_faults({"kind": "server_error", "path": "attendancefordate"})
    it.consume("AvailabilityRequestQueue", messages[3])
    with it.killed("UpdateItem", at=2):
        it.consume("AvailabilityRequestQueue", messages[4])
    xporter.set_faults()
    keep("waiting")
    urls = urls_given(xporter, "availability")[:3]
    ready = {"__DbStatus__": [{"Database": "XodAttendance", "Status": "OK"}]}
    refused = {"__DbStatus__": [{"Database": "XodAttendance", "Status": "Failed"}]}
    call_back(it, urls[0], json.dumps(ready).encode(), "application/json")
    call_back(it, urls[1], json.dumps(refused).encode(), "application/json")
    call_back(it, urls[1], b"XodAttendance=Pending&XodSchoolData=OK", FORM)
    it.cloud.settle("AvailabilityQueue")
    keep("answered")
    it.cloud.take("AvailabilityRequestQueue")
    it.clock.advance(minutes=13)
    it.watch()
    it.cloud.settle()
    keep("pulled")
    it.clock.advance(days=1)
    it.watch()
    it.cloud.deliver("AvailabilityRequestQueue")
    keep("retried")
    with_timetable_open(it)
    xporter.set_school(revoked=True)
    it.cloud.settle("AvailabilityRequestQueue")
    keep("timetabled")
    it.clock.advance(days=100)
    it.watch()
    expired(it, keep)


def with_timetable_open(it: Deployment) -> None:
    it.clock.advance(hours=8)
    it.cloud.take("AvailabilityRequestQueue")
    it.cloud.cool_down()
    with with_timetable():
        it.invoke("schedule_pulls", {})
        [message] = it.cloud.take("AvailabilityRequestQueue")
        it.consume("AvailabilityRequestQueue", message)
    it.cloud.cool_down()


def expired(it: Deployment, keep: Keep) -> None:
    """Datasets on request are erased when they have been kept long enough, and then forgotten."""
    it.cloud.settle("ErasureQueue")
    keep("expired")
    it.clock.advance(days=31)
    it.watch()


def refusing_requests(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A school that has left in the meantime: its requests fail."""
    take_in(it, xporter, scopes=ATTENDANCE_SCOPES)
    ask(it, endpoint="AttendanceForDate", parameters={"date": "2026-11-20"})
    xporter.set_school(paused=True)
    expire_token(it)
    it.cloud.settle("AvailabilityRequestQueue")
    keep("request_failed")


def expire_token(it: Deployment) -> None:
    it.clock.advance(days=9)


def writing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """Writebacks of every kind, and every way in which they can end."""
    authorise(it, founded(xporter, scopes=WRITEBACK_SCOPES))
    it.cloud.settle("AuthenticationQueue")
    it.cloud.take("PullQueue")
    pupils = [row["Id"] for row in xporter.truth("Students")]
    conduct = {
        "Conducts": [
            {
                "Id": 1, "IncidentType": "Beh", "RecordedById": "1", "EntryDate": DAY, "TypeId": 8,
                "StatusId": 1, "Note": "an invented note",
            }
        ],
        "Participants": [{"ConductId": 1, "Points": 3, "StudentId": pupils[0]}],
    }  # fmt: skip
    many = {"Marks": [mark(pupil, Date=day) for day in (DAY, "2026-11-18") for pupil in pupils[:2]]}
    ids = {
        "many": write(it, "attendance", many, "many"),
        "conduct": write(it, "conduct", conduct, "conduct"),
        "sync": write(it, "attendance", {"mode": "sync", "Marks": [mark(pupils[1])]}, "sync"),
        "refused": write(it, "attendance", {"Marks": [mark("99999999")]}, "refused"),
        "closed": write(
            it, "attendance", {"Marks": [mark(pupils[0], Date="2026-11-21")]}, "closed"
        ),
    }
    keep("queued")
    it.cloud.settle("WritebackQueue")
    # From the company's own software: taken, refused, and not to be answered at all.
    by_message = {"estab": ESTAB, "kind": "attendance", "idempotency_key": "by-message"}
    broken = {"Marks": [mark(pupils[2], Session="XX")]}
    for message in (
        {**by_message, "payload": {"Marks": [mark(pupils[2])]}},
        {**by_message, "idempotency_key": "broken", "payload": broken},
        {**by_message, "estab": OTHER, "payload": {"Marks": []}},
    ):
        it.hand_in("WritebackQueue", message, "the company's software")
    keep("sent")
    sent = outcomes_sent(xporter, 5)
    for url in sent:
        call_back(it, url)
    body = {"result": [{"IncidentId": "1", "ActualId": "17"}], "XodCompleted": "true"}
    [url] = [each for each in sent if ids["conduct"] in each]
    call_back(it, url, json.dumps(body).encode(), "application/json")
    keep("outcomes_received")
    with refusing("events", "PutEvents"):
        it.cloud.deliver("OutcomeQueue")
    keep("unannounced")
    it.cloud.settle("OutcomeQueue")
    it.clock.advance(minutes=3)
    it.watch()
    it.cloud.settle("WritebackQueue")
    keep("completed")
    unanswered(it, xporter, pupils, keep)


def unanswered(it: Deployment, xporter: Xporter, pupils: list[str], keep: Keep) -> None:
    """No outcome comes: what was written is read back, sent again, or stays unknown."""
    lost = {"kind": "lost_callback"}
    xporter.set_faults({"kind": "lost_answer"}, lost)
    write(it, "attendance", {"Marks": [mark(pupils[3])]}, "read-back")
    it.cloud.deliver("WritebackQueue")
    xporter.set_faults({"kind": "server_error", "path": "attendanceasync"}, lost)
    write(it, "attendance", {"Marks": [mark(pupils[4])]}, "not-written")
    it.cloud.deliver("WritebackQueue")
    keep("sending")
    xporter.set_faults({"kind": "server_error", "path": "attendanceasync"}, lost)
    for _ in range(4):
        it.clock.advance(minutes=71)
        it.watch()
        it.cloud.deliver("WritebackQueue")
    xporter.set_faults({"kind": "lost_answer"}, {"kind": "stale_cache"}, lost)
    write(it, "lesson_attendance", {"Marks": [lesson(xporter)]}, "unknown")
    it.cloud.deliver("WritebackQueue")
    xporter.set_faults({"kind": "server_error", "path": "attendancefordate"})
    for _ in range(30):
        it.clock.advance(minutes=30)
        it.watch()
        it.cloud.deliver("WritebackQueue")
    keep("ended")


def lesson(xporter: Xporter) -> dict[str, Any]:
    rows = xporter.control(
        "GET",
        f"schools/{ESTAB}/truth/Attendance?resource=AttendanceForDate&date={DAY}&attendanceType=L",
    )
    facts = {name: rows[0][name] for name in ("StudentId", "Date", "InstanceId")}
    return {**facts, "MarkType": "L", "Mark": "G", "Mins": 3}
