"""The main job on a real local stack, from outside: callbacks in, snapshots out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import CAUTIOUS, DATABASES, SCHOOLS, SECONDARY, DemoSchool
from tools.demo.steps.follow_changes import follow_changes
from tools.demo.steps.reject_forgeries import reject_forgeries
from tools.demo.wait import until
from tools.simulator.http.server import RunningSimulator

pytestmark = pytest.mark.xdist_group("stack")

# As printed in Xporter's documentation of webhooks, but for its line breaks.
EXAMPLE_BODY = (
    "schoolSecret=0755658d-0c81-4bfc-93a2-77b9e873914f&schoolId=3286198"
    "&schoolEmail=rrainey%40groupcall.com&schoolName=Testing+School"
    "&templateScopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent"
    "%2CStudentDemographic%2CStudentExtended%2CStudentReligion%2CWritebackAttendance"
    "&scopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent"
    "%2CStudentDemographic%2CStudentExtended%2CStudentReligion%2CWritebackAttendance"
    "&thirdParty=XporterOnDemand&partnerId=live.example.app"
)
EXAMPLE_SCHOOL = DemoSchool(
    "3286198",
    students=40,
    seed=9,
    scopes=(
        "AssessmentResults", "Attendance", "School", "SEN", "SENTypes", "Student",
        "StudentDemographic", "StudentExtended", "StudentReligion", "WritebackAttendance",
    ),
    not_shared=frozenset({"staff", "contacts", "studentcontacts"}),
)  # fmt: skip


def webhook_url(journey: Journey, school: DemoSchool, database: str) -> str:
    webhooks = journey.simulator.school(school.estab)["webhooks"]
    return next(str(each["url"]) for each in webhooks if each["database"] == database)


def wait_until_idle(journey: Journey) -> None:
    """Wait until nothing is left in the queues between a database callback and a commit."""
    sqs, queues = journey.stack.aws("sqs"), ("DatabaseQueue", "PullQueue")

    def look() -> None:
        for queue in queues:
            url = journey.stack.physical_ids[queue]
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            waiting = {k: v for k, v in counts.items() if "NumberOfMessages" in k and v != "0"}
            if waiting:
                raise NotYetError(f"{queue} has {waiting}")

    until(look)


def pulls_of(journey: Journey, school: DemoSchool, resource: str, since: int) -> int:
    """Return how many pulls asked Xporter for their first page."""
    path = f"/api/v1/school/{school.estab}/{resource}"
    asked = [each for each in journey.simulator.requests(since) if each["path"].lower() == path]
    return sum("page=1&" in each["query"] for each in asked)


def test_the_documented_example_body_onboards_a_school(
    journey: Journey, simulator: RunningSimulator
) -> None:
    school = EXAMPLE_SCHOOL
    journey.simulator.found(
        school.estab, school.students, school.seed, scopes=list(school.scopes or ())
    )
    simulator.world.schools.get(school.estab).secret = "0755658d-0c81-4bfc-93a2-77b9e873914f"
    since = journey.simulator.last_request()
    answer = httpx.post(
        journey.stack.authentication_url,
        content=EXAMPLE_BODY,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 202
    assert journey.wait_for_truth(school) > 0
    requests = journey.simulator.requests(since)
    paths = [each["path"].lower() for each in requests]
    assert paths[:2] == ["/api/oauth/gettoken", "/api/v1/tokendetails"]
    bodies = [e["body_keys"] for e in requests if e["path"].lower() == "/api/v1/webhook"]
    assert bodies == [["DatabaseName", "url"]] * len(DATABASES)


def test_every_school_is_read_as_it_is_and_has_its_webhooks(journey: Journey) -> None:
    for school in SCHOOLS:
        assert journey.wait_for_truth(school) >= len(school.datasets)
        webhooks = journey.simulator.school(school.estab)["webhooks"]
        assert {each["database"] for each in webhooks} == DATABASES


def test_what_a_school_does_not_share_is_neither_asked_for_nor_there(journey: Journey) -> None:
    paths = {each["path"].lower() for each in journey.simulator.requests()}
    for dataset in CAUTIOUS.not_shared:
        assert journey.lake.latest(CAUTIOUS.estab, dataset) is None
        assert f"/api/v1/school/{CAUTIOUS.estab}/{dataset}" not in paths


def test_change_files_hold_exactly_what_changed(journey: Journey) -> None:
    assert follow_changes(journey)


def test_forged_callbacks_cause_nothing(journey: Journey) -> None:
    assert reject_forgeries(journey)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_registered_url_works_by(method: str, journey: Journey) -> None:
    wait_until_idle(journey)
    since = journey.simulator.last_request()
    url = webhook_url(journey, CAUTIOUS, "XodSchoolData")
    assert httpx.request(method, url, trust_env=False, timeout=30).status_code == 202

    def look() -> None:
        if not pulls_of(journey, CAUTIOUS, "students", since):
            raise NotYetError("nothing was pulled")

    until(look)


def test_a_head_request_causes_no_work(journey: Journey) -> None:
    wait_until_idle(journey)
    since = journey.simulator.last_request()
    answer = httpx.head(webhook_url(journey, CAUTIOUS, "XodSchoolData"), trust_env=False)
    assert answer.is_client_error
    wait_until_idle(journey)
    assert not journey.simulator.requests(since)


def test_thirty_duplicate_callbacks_cause_at_most_two_pulls(journey: Journey) -> None:
    wait_until_idle(journey)
    since = journey.simulator.last_request()
    statuses = call_often(webhook_url(journey, SECONDARY, "XodSchoolData"), 30)
    assert set(statuses) == {202}
    wait_until_idle(journey)
    for resource in ("students", "groups", "contacts"):
        assert 1 <= pulls_of(journey, SECONDARY, resource, since) <= 2


def call_often(url: str, times: int) -> Sequence[int]:
    with ThreadPoolExecutor(10) as pool, httpx.Client(timeout=60, trust_env=False) as client:
        return list(pool.map(lambda _: client.post(url).status_code, range(times)))
