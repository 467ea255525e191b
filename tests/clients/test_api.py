"""The client of the API against a server that answers as it is told, and against the real API."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import boto3
import pytest

from tests.integration.test_changes import published
from tests.integration.test_serve_api import MARKS, held, manifest, store
from tests.support.builders import ESTAB, NOW, dataset_table, school_table, stored_school
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import Cloud
from tests.support.records import lease
from tests.support.template import ROOT
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import with_attempt
from xporter_bridge.schools.model import paused
from xporter_bridge_client import (
    Api,
    ApiError,
    BridgeError,
    NotReachableError,
    WaitTimeoutError,
    api_changes,
    idempotency_key,
)

SCHOOL = f"/v1/schools/{ESTAB}"
CUT = (0, {}, {})
BUSY = (503, {"detail": "busy"}, {"retry-after": "7"})
Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Stub:
    """A server; ``answer`` decides, and ``replies`` go first. A status of 0 cuts the connection."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    answer: Callable[[str, str, dict[str, str], str], Reply] | None = None
    waits: list[float] = field(default_factory=list)

    def api(self, **facts: Any) -> Api:
        return Api(self.url, sleep=self.waits.append, **facts)


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.seen.append((self.command, self.path, headers, json.loads(body or "null")))
            if made.replies or made.answer is None:
                status, document, more = made.replies.pop(0)
            else:
                status, document, more = made.answer(self.command, self.path, headers, body)
            if not status:
                self.close_connection = True
                return
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**more, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def served(cloud: Cloud, stub: Stub) -> Stub:
    """The project's own API behind the server."""
    company, lock = CompanyApi(cloud), threading.Lock()

    def answer(method: str, path: str, headers: dict[str, str], body: str) -> Reply:
        kept = {"idempotency-key", "content-type"}
        sent = {name: value for name, value in headers.items() if name in kept}
        with lock:
            reply = company.send(request(method, path, body or None, sent))
        return reply.status, reply.document, {}

    stub.answer = answer
    return stub


# -- against the real API


def test_a_school_its_hold_and_its_manifest_are_read(cloud: Cloud, served: Stub) -> None:
    held(cloud)
    store(cloud).put_document(f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest())
    with served.api() as api:
        [school] = api.schools()
        assert school == api.school(ESTAB)
        assert (school.estab, school.state) == (ESTAB, "live")
        assert school.attention
        assert school.attention.severity == "trouble"
        assert school.datasets["students"].state == "held"
        assert school.datasets["students"].hold_reasons
        assert api.manifest(ESTAB, "students").sequence == 1
        api.decide_hold(ESTAB, "students", "approve")


def test_pulls_writebacks_and_erasures_are_requested_and_looked_up(
    cloud: Cloud, served: Stub
) -> None:
    held(cloud)
    with served.api() as api:
        pull = api.pull(ESTAB, api.request_pull(ESTAB, "staff"))
        assert (pull.dataset, pull.has_ended, pull.manifest) == ("staff", False, None)
        on_request = api.request_pull(
            ESTAB, endpoint="AttendanceForDate", parameters={"date": "2026-11-20"}
        )
        assert api.pull(ESTAB, on_request).dataset == "attendancefordate-2026-11-20"
        first = api.write(ESTAB, "attendance", MARKS, key="register-1")
        assert api.write(ESTAB, "attendance", MARKS, key="register-1") == first
        assert api.write(ESTAB, "attendance", MARKS) != api.write(ESTAB, "attendance", MARKS)
        written = api.writeback(ESTAB, first)
        assert (written.state, written.kind, len(written.parts)) == ("queued", "attendance", 1)
        api.erase(ESTAB)
        assert api.school(ESTAB).document["erasure_requested_at"]


def test_what_the_api_refuses_is_an_error_with_its_places(cloud: Cloud, served: Stub) -> None:
    stored_school(cloud)
    with served.api() as api:
        with pytest.raises(ApiError, match="there is no such school") as missing:
            api.school("3281103")
        assert (missing.value.status, missing.value.instance) == (404, "JKJaXmPLvHcESHA=")
        with pytest.raises(ApiError) as wrong:
            api.decide_hold(ESTAB, "students", "perhaps")  # type: ignore[arg-type]
        assert wrong.value.status == 400
        assert [each["at"] for each in wrong.value.errors] == ["body.decision"]
        assert len(served.seen) == 2, "no refusal is repeated"


def test_changes_of_all_schools_are_followed_with_a_cursor_that_is_stored(
    cloud: Cloud, served: Stub
) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    for number in range(5):
        published(cloud, f"d{number}", moment + timedelta(minutes=number))
    with mock.patch.object(api_changes, "_AT_ONCE", 2), served.api() as api:
        changes = api.changes()
        first = next(changes)
        assert (first.estab, first.dataset, first.sequence) == (ESTAB, "d0", 1)
        assert (first.kind, first.committed_at.second) == ("committed", moment.second)
        assert changes.cursor == "", "a process that dies here gets the change again"
        assert [next(changes).dataset for _ in range(2)] == ["d1", "d2"]
        stored = changes.cursor
        assert [each.dataset for each in api.changes(after=stored)] == ["d2", "d3", "d4"]
        assert [each.dataset for each in changes] == ["d3", "d4"]
        assert list(api.changes(after=changes.cursor)) == []
        with pytest.raises(ApiError, match="invalid cursor"):
            next(api.changes(after="nonsense"))


# -- repetitions


def test_a_request_is_repeated_with_the_key_of_the_first_attempt(stub: Stub) -> None:
    stub.replies = [CUT, BUSY, (502, "no json", {}), (202, {"id": "writeback-1"}, {})]
    with stub.api() as api:
        assert api.write(ESTAB, "attendance", MARKS) == "writeback-1"
    keys = {headers["idempotency-key"] for _, _, headers, _ in stub.seen}
    assert len(stub.seen) == 4
    assert len(keys) == 1
    assert keys != {""}
    assert stub.waits == [0.3, 7.0, 1.2]


def test_a_decision_whose_answer_was_lost_is_not_sent_again(stub: Stub) -> None:
    stub.replies = [BUSY, CUT]
    with stub.api() as api, pytest.raises(NotReachableError):
        api.decide_hold(ESTAB, "students", "approve")
    assert len(stub.seen) == 2


def test_an_api_that_stays_away_is_an_error(stub: Stub) -> None:
    stub.replies = [CUT] * 5
    with stub.api() as api, pytest.raises(NotReachableError, match="does not answer"):
        api.school(ESTAB)
    stub.replies = [BUSY] * 5
    with stub.api() as api, pytest.raises(ApiError, match="503: busy"):
        api.school(ESTAB)
    assert len(stub.seen) == 10


def test_all_pages_are_read(stub: Stub) -> None:
    pages: list[Any] = [
        {"schools": [{"estab": "3281102", "state": "live"}], "cursor": "next page"},
        {"schools": [{"estab": "3281103", "state": "paused"}], "cursor": None},
    ]
    stub.replies = [(200, page, {}) for page in pages]
    with stub.api() as api:
        assert [
            school.state for school in api.schools(state="any", troubled=True, fields=("state",))
        ] == ["live", "paused"]
    assert [path for _, path, _, _ in stub.seen] == [
        "/v1/schools?limit=100&state=any&troubled=true&fields=state",
        "/v1/schools?limit=100&state=any&troubled=true&fields=state&cursor=next+page",
    ]


# -- waits


def writeback(state: str) -> Reply:
    facts = {"id": "writeback-1", "estab": ESTAB, "kind": "attendance", "reason": None, "parts": []}
    return 200, {**facts, "state": state}, {}


def test_a_wait_shows_each_state_once_and_ends_with_the_end(stub: Stub) -> None:
    stub.replies = [writeback(state) for state in ("queued", "queued", "sent", "completed")]
    shown: list[str] = []
    with stub.api() as api:
        ended = api.wait_for_writeback(
            ESTAB, "writeback-1", on_progress=lambda found: shown.append(found.state)
        )
    assert ended.state == "completed"
    assert shown == ["queued", "sent"]
    assert stub.waits == [0.5, 0.75, 1.125]


def test_a_wait_ends_in_time(stub: Stub) -> None:
    stub.answer = lambda *_: writeback("sent")
    clock = iter([0.0, 0.0, 9.9, 10.0])
    with (
        stub.api(clock=lambda: next(clock)) as api,
        pytest.raises(WaitTimeoutError, match="writeback-1 is sent after 10 s"),
    ):
        api.wait_for_writeback(ESTAB, "writeback-1", timeout_seconds=10)
    assert stub.waits == pytest.approx([0.5, 0.1])


# -- signatures and keys


def test_requests_are_signed_and_the_signature_covers_the_body(stub: Stub) -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", "token")
    stub.replies = [(202, {"id": "pull-1"}, {})] * 2
    with stub.api(session=session, is_signed=True) as api:
        api.request_pull(ESTAB, "staff")
        api.request_pull(ESTAB, "students")
    first, second = (headers for _, _, headers, _ in stub.seen)
    assert "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" in first["authorization"]
    assert "/eu-west-2/execute-api/aws4_request" in first["authorization"]
    assert first["x-amz-security-token"] == "token"
    assert first["authorization"] != second["authorization"]


def test_a_local_stack_needs_no_signature_and_https_does(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.replies = [(200, {"schools": [], "cursor": None}, {})]
    with stub.api() as api:
        assert list(api.schools()) == []
    assert "authorization" not in stub.seen[0][2]

    class Nobody:
        def get_credentials(self) -> None:
            return None

    with pytest.raises(BridgeError, match="no AWS credentials were found"):
        Api("https://api.example", session=Nobody())  # type: ignore[arg-type]


def test_a_key_is_the_same_for_the_same_words_and_for_no_others() -> None:
    key = idempotency_key("register", "7B", 1)
    assert key == idempotency_key("register", "7B", "1")
    assert len({key, idempotency_key("register", "7B1"), idempotency_key("register", "7B", 2)}) == 3


def test_the_python_of_the_page_runs(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
    attention = {"says": "All is well.", "do": "", "since": None, "severity": "none"}
    pull = {"id": "pull-1", "estab": ESTAB, "dataset": "staff", "state": "completed"}
    stub.replies = [
        (200, {"schools": [{"estab": ESTAB, "state": "live", "attention": attention}]}, {}),
        (202, {"id": "pull-1"}, {}),
        (200, pull, {}),
    ]
    monkeypatch.setenv("API_URL", stub.url)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/api.md", "exec"), names)
    assert capsys.readouterr().out == f"{ESTAB} live All is well.\n"
    assert names["pull"].state == "completed"


def test_the_past_of_a_school_is_typed(served: Stub, cloud: Cloud) -> None:
    stored_school(cloud)
    schools, datasets = school_table(cloud), dataset_table(cloud)
    schools.change(ESTAB, lambda school: paused(school, NOW))
    raised = datasets.add_demand_since(ESTAB, "students", NOW, NOW)
    assert raised
    leased = lease(datasets, ESTAB, "students", NOW)
    assert leased
    ended = datetime.now(UTC)
    failed = with_attempt(leased.released(), AttemptOutcome.FAILED, ended, "xporter_503")
    datasets.save(failed, NOW)
    with served.api() as api:
        history = api.history(ESTAB)
        assert api.attempts(ESTAB, "students") == history.attempts
        assert api.callbacks(ESTAB) == history.callbacks
    (state,), (heard,), (attempt,) = history.states, history.callbacks, history.attempts
    assert (state.state, state.at) == ("paused", NOW)
    assert (heard.database, heard.received_at) == ("XodSchoolData", NOW)
    assert (attempt.dataset, attempt.outcome, attempt.count) == ("students", "failed", 1)
    assert (attempt.announced_at, attempt.says) == (
        NOW,
        "The pull failed: Xporter is down or too slow.",
    )


# -- people, the audit trail and the inventory


def test_a_person_is_erased_listed_and_let_back_in(cloud: Cloud, served: Stub) -> None:
    stored_school(cloud)
    with served.api() as api:
        assert api.erased_people(ESTAB) == ()
        erasure = api.erase_person(ESTAB, "pupil", "9919")
        assert api.erase_person(ESTAB, "pupil", "9919") == erasure
        with pytest.raises(ApiError, match="there is no such erased person") as missing:
            api.lift_erasure(ESTAB, "0" * 32)
        assert missing.value.status == 404
        (person,) = api.erased_people(ESTAB)
        assert (person.id, person.kind) == (erasure, "pupil")
        assert person.requested_at <= datetime.now(UTC)
        assert (person.erased_at, person.verified_at, person.certificate) == (None, None, None)
        api.lift_erasure(ESTAB, erasure)
        assert api.erased_people(ESTAB) == ()


def test_a_certificate_comes_with_its_person(stub: Stub) -> None:
    at = "2026-11-24T03:00:00.000Z"
    person = {"id": "0" * 32, "kind": "staff", "requested_at": at, "erased_at": at}
    more = {"verified_at": at, "certificate": {"sha256": "1"}}
    stub.replies = [(200, {"estab": ESTAB, "count": 1, "people": [{**person, **more}]}, {})]
    with stub.api() as api:
        (found,) = api.erased_people(ESTAB)
    assert found.erased_at == found.verified_at == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert found.certificate == {"sha256": "1"}


def test_a_lift_whose_answer_was_lost_is_sent_again(stub: Stub) -> None:
    stub.replies = [CUT, (202, {"estab": ESTAB, "id": "0" * 32}, {})]
    with stub.api() as api:
        api.lift_erasure(ESTAB, "0" * 32)
    assert [(method, path) for method, path, _, _ in stub.seen] == [
        ("DELETE", f"{SCHOOL}/erased-people/{'0' * 32}")
    ] * 2


def test_the_audit_trail_of_a_school_names_the_caller_and_has_the_latest_first(
    cloud: Cloud, served: Stub
) -> None:
    held(cloud)
    with served.api() as api:
        api.decide_hold(ESTAB, "students", "approve")
        entries = list(api.audit(ESTAB))
        assert [(each.action, each.outcome) for each in entries] == [
            ("decideHold", "accepted"),
            ("decideHold", "asked"),
        ]
        assert entries[0].about["decision"] == "approve"
        assert entries[0].estab == ESTAB
        assert entries[0].by.startswith("arn:aws:")
        assert entries[0].at >= entries[1].at
        assert {each.id for each in api.audit()} == {each.id for each in entries}
        assert list(api.audit("stack")) == []


def test_every_page_of_the_audit_trail_is_read(stub: Stub) -> None:
    entry = {"at": "2026-11-24T03:00:00.000Z", "estab": None, "action": "rotateKey"}
    entry |= {"outcome": "done", "by": "a", "id": "1"}
    pages = [
        {"entries": [{**entry, "about": {}}], "cursor": "more"},
        {"entries": [], "cursor": None},
    ]
    stub.replies = [(200, page, {}) for page in pages]
    with stub.api() as api:
        assert [(each.action, each.estab) for each in api.audit("stack")] == [("rotateKey", None)]
    assert [path for _, path, _, _ in stub.seen] == [
        "/v1/audit?limit=100&subject=stack",
        "/v1/audit?limit=100&subject=stack&cursor=more",
    ]


def test_the_inventory_names_the_stored_fields(served: Stub) -> None:
    with served.api() as api:
        students = api.inventory()["students"]
    assert (students.endpoint, students.database) == ("students", "XodSchoolData")
    table = students.tables["Students"]
    assert table.key == "Id"
    assert "YearGroup" in table.stored
    assert not set(table.stored) & set(table.left_out)
    assert "Student" in students.scopes
