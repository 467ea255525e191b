"""Schools that authorise us, pause, leave, and are erased."""

from __future__ import annotations

from tests.recorded.actors import ESTAB, SCHOOL, Keep, ask, authorise, founded, take_in
from tests.recorded.support import Deployment
from tests.support.moto_cloud import refusing
from tests.support.xporter import Xporter


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
    with it.killed("UpdateItem", at=3):  # the slot and the lease are taken
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


def erasing_people(it: Deployment, xporter: Xporter, keep: Keep) -> None:
    """A pupil is erased, the last look follows, and the erasure is lifted."""
    take_in(it, xporter, scopes=["School", "Student"])
    ask(it, dataset="students")
    it.cloud.settle("PullQueue")
    pupil = str(xporter.truth("Students")[0]["Id"])
    people = f"{SCHOOL}/erased-people"
    asked = it.api.post(people, {"kind": "pupil", "id": pupil})
    assert asked.status == 202
    keep("requested")
    it.cloud.settle("ErasureQueue")
    keep("erased")
    it.clock.advance(minutes=21)
    it.watch()
    it.cloud.settle("ErasureQueue")
    keep("verified")
    assert it.api.delete(f"{people}/{asked.document['id']}").status == 202
    keep("lifted")
    it.cloud.settle("ErasureQueue")


def with_lease(it: Deployment) -> None:
    """Erase while somebody may still be copying: the message has itself sent again."""
    for message in it.cloud.take("ErasureQueue")[:1]:
        assert it.consume("ErasureQueue", message) == []
    it.cloud.take("ErasureQueue")
