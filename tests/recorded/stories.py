"""What happens to invented schools, so that every kind of item, message and object comes about.

Each story is told to a deployment of its own, through its handlers alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.builders import FORM, authentication_form, callback
from tests.cloud import refusing
from tests.recorded.support import (
    BASE_URL,
    SECRETS,
    Deployment,
    small_pages,
    with_timetable,
)
from tests.xporter import Xporter

ESTAB, OTHER = "3281102", "3286198"
SCHOOL = f"/v1/schools/{ESTAB}"
DAY, TODAY = "2026-11-17", "2026-11-20"
SCOPES = ["School", "Student"]
ASKING = [*SCOPES, "Attendance"]
WRITING = [*ASKING, "Conduct", "WritebackAttendance", "WritebackConduct"]
Keep = Callable[[str], None]


# ---------------------------------------------------------------------- what others do


def authorise(it: Deployment, secret: str, estab: str = ESTAB, **fields: str | None) -> None:
    """Send the authentication callback."""
    reply = it.invoke(
        "receive_authentication",
        callback(
            f"{BASE_URL}/callbacks/authentication/{SECRETS['AuthenticationTokenSecret'][1]}",
            "POST",
            body=authentication_form(schoolSecret=secret, schoolId=estab, **fields),
            content_type=FORM,
            is_base64=True,
        ),
    )
    assert reply["statusCode"] == 202, reply


def call_back(
    it: Deployment, url: str, body: bytes | None = None, content_type: str | None = None
) -> None:
    """Call one of our callback URLs, as Xporter was given it."""
    kind = urlsplit(url).path.rpartition("/")[2]
    method = "GET" if body is None else "POST"
    reply = it.invoke(
        f"receive_{kind}", callback(url, method, body=body, content_type=content_type)
    )
    assert reply["statusCode"] == 202, reply


def founded(xporter: Xporter, **facts: Any) -> str:
    """Found the school, the same one on whatever day this runs; return its secret."""
    return xporter.school(ESTAB, today=TODAY, **{"students": 6, "scopes": SCOPES, **facts})


def take_in(it: Deployment, xporter: Xporter, **facts: Any) -> None:
    """Have a small school authorise us, and everything of it set in motion and pulled."""
    authorise(it, founded(xporter, **facts))
    it.cloud.settle()
    it.clock.advance(minutes=1)


def change(xporter: Xporter, **how: Any) -> None:
    path = f"schools/{ESTAB}/databases/XodSchoolData/change"
    xporter.control("POST", path, {"notify": False, **how})


def ask(it: Deployment, **body: Any) -> str:
    """Ask for a pull and return its id."""
    answer = it.api.post(f"{SCHOOL}/pulls", body)
    assert answer.status == 202, answer.text
    return str(answer.document["id"])


def write(it: Deployment, kind: str, payload: dict[str, Any], key: str) -> str:
    body = {"kind": kind, "payload": payload}
    answer = it.api.post(f"{SCHOOL}/writebacks", body, idempotency_key=key)
    assert answer.status == 202, answer.text
    return str(answer.document["id"])


def urls_given(xporter: Xporter, kind: str) -> list[str]:
    """Return the callback URLs that Xporter was given for availability, in order."""
    queries = (parse_qs(each["query"]) for each in xporter.requests())
    found = [query["callbackUrl"][0] for query in queries if "callbackUrl" in query]
    return [url for url in found if f"/callbacks/{kind}" in url]


def outcomes_sent(xporter: Xporter, count: int = 1) -> list[str]:
    """Wait for the outcome callbacks of writebacks, and return their URLs, our own words only."""
    until = time.monotonic() + 20
    while True:
        sent = xporter.control("GET", "callbacks")["callbacks"]
        urls = [each["url"] for each in sent if "/callbacks/writeback" in each["url"]]
        if len(urls) >= count:
            return urls
        assert time.monotonic() < until
        time.sleep(0.05)


# ---------------------------------------------------------------------- schools


def onboarding(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A school is invited, authorised, installed and live; secrets are believed or not."""
    secret = founded(xporter)
    authorise(it, "8e8e6e3c-0000-4000-8000-000000000000", schoolName="Testing School")
    it.cloud.settle("AuthenticationQueue")
    keep("invited")
    authorise(it, secret, partnerId="somebody.else")
    it.cloud.settle("AuthenticationQueue")
    xporter.set_faults({"kind": "server_error", "path": "GetToken", "count": 4})
    authorise(it, secret, xodInstalled="False", installCompleted="False")
    it.cloud.deliver("AuthenticationQueue")
    xporter.set_faults()
    it.cloud.settle("AuthenticationQueue")
    keep("authorised")
    it.clock.advance(days=1, minutes=1)
    it.watch()
    xporter.set_faults({"kind": "rate_limited", "path": "GetToken", "count": 4})
    it.cloud.deliver("AuthenticationQueue")
    xporter.set_faults()
    it.cloud.settle("AuthenticationQueue")
    authorise(it, secret, xodInstalled="True", installCompleted="True")
    it.cloud.settle("AuthenticationQueue")
    keep("installed")
    xporter.set_faults({"kind": "server_error", "path": "webhook", "count": 4})
    it.cloud.deliver("RegistrationQueue")
    xporter.set_faults({"kind": "failed_webhook_registration", "count": 1})
    it.cloud.settle("RegistrationQueue")
    xporter.set_faults()
    it.cloud.settle()
    keep("live")
    it.clock.advance(days=1)
    it.invoke("schedule_registrations", {})
    xporter.set_faults({"kind": "server_error", "path": "GetToken", "count": 4})
    it.cloud.deliver("RegistrationQueue")
    xporter.set_faults()
    it.cloud.settle("RegistrationQueue")
    it.invoke("schedule_registrations", {"everyone": True})
    keep("registered")


def pausing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A school pauses, comes back, refuses us until it counts as revoked, and authorises anew."""
    secret = founded(xporter, scopes=["School"], paused=True)
    authorise(it, secret)
    it.cloud.settle("AuthenticationQueue")
    keep("paused_at_first")
    xporter.set_school(paused=False)
    it.clock.advance(minutes=16)
    it.watch()
    it.cloud.settle()
    new = founded(xporter, scopes=["School"], seed=2, paused=True)
    authorise(it, new)
    it.cloud.settle("AuthenticationQueue")
    keep("paused_with_another_secret")
    with refusing("events", "PutEvents"):
        it.clock.advance(hours=1)
        it.watch()
        it.cloud.deliver("AuthenticationQueue")
    xporter.set_school(paused=False)
    it.clock.advance(hours=1)
    it.watch()
    it.cloud.settle()
    xporter.set_school(revoked=True)
    for _ in range(3):
        xporter.control("GET", "requests")
        it.invoke("schedule_registrations", {"everyone": True})
        it.cloud.deliver("RegistrationQueue")
        keep("refused")
        it.clock.advance(hours=3)
        it.watch()
        it.cloud.deliver("AuthenticationQueue")
    keep("revoked")


def erasing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A school is erased, while a pull runs; a late callback comes; it authorises anew."""
    take_in(it, xporter, scopes=["School"])
    ask(it, dataset="schoolinfo")
    with it.killed("PutObject"):
        it.cloud.deliver("PullQueue")
    it.cloud.take("PullQueue")
    assert it.api.delete(SCHOOL).status == 202
    keep("being_erased")
    it.cloud.take("ErasureQueue")
    it.clock.advance(minutes=3)
    it.watch()
    it.clock.advance(minutes=-3)
    with_lease(it)
    it.clock.advance(minutes=3)
    it.consume("ErasureQueue", {"estab": ESTAB})
    keep("erased")
    it.cloud.settle("ErasureQueue")


def with_lease(it: Deployment) -> None:
    """Erase while somebody may still be copying: the message has itself sent again."""
    for message in it.cloud.take("ErasureQueue")[:1]:
        assert it.consume("ErasureQueue", message) == []
    it.cloud.take("ErasureQueue")


# ---------------------------------------------------------------------- datasets


def pulling(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """Pulls that begin, are interrupted, go on, and commit; from the callback to latest.json."""
    secret = founded(xporter, students=25)
    authorise(it, secret)
    it.cloud.settle("AuthenticationQueue", "RegistrationQueue")
    waiting = it.cloud.take("PullQueue")
    keep("asked_for")
    message = {"estab": ESTAB, "dataset": "students"}
    assert message in waiting
    with small_pages():
        # Three pages: the second holder stages one again, under its own fence.
        with it.killed("PutObject", at=3):
            it.consume("PullQueue", message)
        keep("leased_with_pages")
        slot_is_missing(it)
        it.clock.advance(minutes=2)
        it.watch()
        times = iter([600.0, 0.0])
        it.consume("PullQueue", message, remaining_seconds=lambda: next(times, 0.0))
        keep("checkpoint")
        it.clock.advance(minutes=2)
        with it.killed("CopyObject", at=2):
            it.consume("PullQueue", message)
        keep("unpublished")
        it.clock.advance(minutes=3)
        with refusing("events", "PutEvents"):
            it.consume("PullQueue", message)
    keep("unannounced")
    it.clock.advance(minutes=3)
    it.watch()
    for other in ("schoolinfo", "staff"):
        it.consume("PullQueue", {"estab": ESTAB, "dataset": other})
    keep("committed")


def slot_is_missing(it: Deployment) -> None:
    """Let all four places be taken, so that the message of another dataset comes back."""
    for taken, dataset in enumerate(("schoolinfo", "attendancecodes", "groups"), start=1):
        # A try of each place that is taken, a place, the lease, and what comes after these.
        with it.killed("UpdateItem", at=taken + 3):
            it.consume("PullQueue", {"estab": ESTAB, "dataset": dataset})
    for waits in ({}, {"waits": 1}):
        it.consume("PullQueue", {"estab": ESTAB, "dataset": "staff", **waits})
    assert [each["waits"] for each in it.cloud.take("PullQueue")] == [1, 2]


def changing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """What changed is pulled after a database callback; baselines, troubles, and old sequences."""
    take_in(it, xporter)
    it.clock.advance(hours=20)
    change(xporter, rows=1, inserts=1, deletes=1)
    call_back(it, xporter.webhooks()["XodSchoolData"])
    call_back(it, xporter.webhooks()["XodSchoolData"], b"")
    it.cloud.deliver("DatabaseQueue")
    # Asked for once more while it is being pulled: the pull has itself sent for again.
    message = {"estab": ESTAB, "dataset": "schoolinfo"}
    with it.meanwhile("s3", "PutObject", lambda: raise_demand(it, "schoolinfo")):
        it.consume("PullQueue", message)
    it.cloud.settle()
    keep("second_sequence")
    xporter.set_faults({"kind": "added_column", "column": "Favourite", "value": "blue"})
    change(xporter, rows=1)
    ask(it, dataset="students")
    it.cloud.settle()
    keep("new_column")
    xporter.set_faults({"kind": "server_error", "path": "students"})
    ask(it, dataset="students")
    it.cloud.deliver("PullQueue")
    keep("backing_off")
    xporter.set_faults({"kind": "rate_limited", "path": "students", "retry_after": 2000})
    it.clock.advance(minutes=1)
    it.cloud.deliver("PullQueue")
    xporter.set_faults()
    it.cloud.take("PullQueue")
    it.clock.advance(hours=2)
    it.watch()
    it.cloud.settle()
    # The token goes on saying that the school shares, and Xporter refuses.
    xporter.control("PUT", "application", {"live_token_scopes": True})
    xporter.set_school(scopes=["School"])
    ask(it, dataset="students")
    it.cloud.settle("PullQueue")
    keep("failed")
    xporter.set_school(scopes=["School", "Student"])
    it.clock.advance(hours=30)
    it.watch()
    it.cloud.settle()
    it.clock.advance(days=8)
    it.watch()
    it.cloud.settle()
    keep("baseline")
    it.clock.advance(days=91)
    change(xporter, rows=1)
    ask(it, dataset="students")
    it.cloud.settle()
    keep("retired")


def holding(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A change that would wipe out a school is held, approved, rejected, or expires."""
    take_in(it, xporter, students=25)
    held(it, xporter)
    keep("held")
    it.clock.advance(days=8)
    it.watch()
    keep("hold_expired")
    it.cloud.settle()
    held(it, xporter, deletes=0)
    decide(it, "reject")
    it.cloud.settle()
    ask(it, dataset="students")
    it.cloud.settle()
    decide(it, "approve")
    keep("hold_approved")
    with it.killed("CopyObject"):
        it.cloud.deliver("PullQueue")
    keep("hold_approved_unpublished")


def held(it: Deployment, xporter: Xporter, deletes: int = 21) -> None:
    it.clock.advance(hours=20)
    if deletes:
        change(xporter, deletes=deletes)
    ask(it, dataset="students")
    it.cloud.settle()


def decide(it: Deployment, decision: str) -> None:
    answer = it.api.post(f"{SCHOOL}/datasets/students/hold", {"decision": decision})
    assert answer.status == 202, answer.text


def withdrawing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A scope is taken away, so that its datasets are erased, and given back."""
    take_in(it, xporter)
    xporter.set_school(scopes=["School"])
    it.clock.advance(days=1)
    it.invoke("schedule_registrations", {})
    it.cloud.settle("RegistrationQueue")
    [message, *_] = [m for m in it.cloud.take("ErasureQueue") if m.get("dataset") == "students"]
    keep("scope_removed")
    # Somebody holds it: the message has itself sent again.
    raise_demand(it, "students")
    with it.killed("UpdateItem", at=3):
        it.consume("PullQueue", {"estab": ESTAB, "dataset": "students"})
    assert it.consume("ErasureQueue", message) == []
    it.cloud.take("ErasureQueue")
    it.clock.advance(minutes=3)
    with it.killed("DeleteObjects"):
        it.consume("ErasureQueue", message)
    keep("being_erased")
    it.clock.advance(minutes=5)
    it.watch()
    it.cloud.take("ErasureQueue")
    with refusing("events", "PutEvents"):
        it.consume("ErasureQueue", message)
    keep("erased")
    it.consume("ErasureQueue", message)
    by_hand = {"estab": ESTAB, "dataset": "schoolinfo", "reason": "asked_by_the_school"}
    it.hand_in("ErasureQueue", by_hand, "a person, as docs/runbook.md says")
    keep("erased_and_announced")


def raise_demand(it: Deployment, dataset: str) -> None:
    """Ask for a dataset as another process would."""
    it.cloud.client("dynamodb").update_item(
        TableName=it.cloud.ref("DatasetsTable"),
        Key={"estab": {"S": ESTAB}, "dataset": {"S": dataset}},
        UpdateExpression="ADD requested :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


# ---------------------------------------------------------------------- pulls on request


def requesting(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """Pulls on request that wait for Xporter, and every way in which the wait can end."""
    take_in(it, xporter, scopes=ASKING)
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
    take_in(it, xporter, scopes=ASKING)
    ask(it, endpoint="AttendanceForDate", parameters={"date": "2026-11-20"})
    xporter.set_school(paused=True)
    expire_token(it)
    it.cloud.settle("AvailabilityRequestQueue")
    keep("request_failed")


def expire_token(it: Deployment) -> None:
    it.clock.advance(days=9)


# ---------------------------------------------------------------------- writebacks


def mark(pupil: str, **facts: Any) -> dict[str, Any]:
    return {
        "StudentId": pupil, "MarkType": "S", "Date": DAY, "Session": "AM", "Mark": "G", **facts,
    }  # fmt: skip


def writing(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """Writebacks of every kind, and every way in which they can end."""
    authorise(it, founded(xporter, scopes=WRITING))
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


STORIES: tuple[Callable[[Deployment, Xporter, Keep], None], ...] = (
    onboarding,
    pausing,
    erasing,
    pulling,
    changing,
    holding,
    withdrawing,
    requesting,
    refusing_requests,
    writing,
)
