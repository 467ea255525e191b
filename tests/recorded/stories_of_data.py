"""Data that are pulled, change, are held, and are erased."""

from __future__ import annotations

from tests.recorded.actors import (
    ESTAB,
    SCHOOL,
    Keep,
    ask,
    authorise,
    call_back,
    change,
    founded,
    take_in,
)
from tests.recorded.replaced import small_pages
from tests.recorded.support import Deployment
from tests.support.moto_cloud import refusing
from tests.support.xporter import Xporter


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
    """Let all four slots be taken, so that the message of another dataset is dropped."""
    for taken, dataset in enumerate(("schoolinfo", "attendancecodes", "groups"), start=1):
        # A try of each place that is taken, a place, the lease, and what comes after these.
        with it.killed("UpdateItem", at=taken + 3):
            it.consume("PullQueue", {"estab": ESTAB, "dataset": dataset})
    it.consume("PullQueue", {"estab": ESTAB, "dataset": "staff"})
    assert it.cloud.take("PullQueue") == []


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
    # Nothing is erased at the first look.
    it.clock.advance(hours=7)
    it.invoke("schedule_registrations", {"everyone": True})
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
