"""The simulator over HTTP, as the product and a stranger's checks meet it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from tools.simulator.http.server import RunningSimulator

ESTAB = "3281102"
DAY = "2026-11-17"


class Receiver:
    """What the application's callback URLs are served by."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                received.append((self.command, self.path, body))
                self.send_response(204)
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


class Client:
    """One relying party's session with the simulator."""

    def __init__(self, base: str, receiver: Receiver) -> None:
        self.base, self.receiver = base, receiver
        self.http = requests.Session()
        self.secret = ""

    def sim(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.base}/_sim/{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def school(self, **facts: Any) -> None:
        made = self.sim("POST", "schools", {"estab": ESTAB, "students": 30, "seed": 5, **facts})
        self.secret = made["secret"]
        self.sign_in()

    def sign_in(self) -> None:
        answer = self.http.post(
            f"{self.base}/api/oauth/GetToken",
            json={
                "estab": ESTAB, "relyingParty": "live.example.app", "password": self.secret,
                "thirdpartyid": "XporterOnDemand",
            },
            timeout=20,
        )  # fmt: skip
        self.http.headers["Authorization"] = f"Idaas {answer.json()['token']}"

    def get(self, path: str) -> requests.Response:
        return self.http.get(f"{self.base}/api/v1/{path}", timeout=20)

    def data(self, path: str) -> Any:
        return self.get(f"School/{ESTAB}/{path}").json()

    def post(self, path: str, body: Any) -> Any:
        return self.http.post(f"{self.base}/api/v1/{path}", json=body, timeout=20).json()


@pytest.fixture
def client() -> Iterator[Client]:
    receiver = Receiver()
    # 3,600 times as fast: the ten minutes of availability last 0.17 s, the hour of retries one.
    with RunningSimulator(authentication_url=f"{receiver.url}/auth", time_scale=3600) as simulator:
        made = Client(simulator.url, receiver)
        made.school()
        yield made
        made.http.close()
    receiver.server.shutdown()
    receiver.server.server_close()


def until(condition: Callable[[], Any], seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


def mark(student: str = "10000", code: str = "I", **more: Any) -> dict[str, Any]:
    return {
        "StudentId": student, "MarkType": "S", "Date": DAY, "Session": "AM", "Mark": code, **more,
    }  # fmt: skip


def held(client: Client, student: str = "10000") -> str:
    rows = client.data(f"AttendanceForDate/{student}?date={DAY}&sessionType=AM&attendanceType=S")
    return str(rows["Attendance"][0]["Mark"])


def test_the_authentication_callback_has_the_documented_fields_in_order(client: Client) -> None:
    client.sim("POST", f"schools/{ESTAB}/authorise", {"install_completed": True})
    method, path, body = client.receiver.received[0]
    names = [pair.split("=")[0] for pair in body.decode().split("&")]
    assert (method, path) == ("POST", "/auth")
    assert names == [
        "schoolSecret", "schoolId", "schoolEmail", "schoolName", "templateScopes", "scopes",
        "thirdParty", "partnerId", "xodInstalled", "installCompleted",
    ]  # fmt: skip
    assert parse_qs(body.decode())["schoolSecret"] == [client.secret]


def test_token_details_name_the_school_and_bad_tokens_are_refused_at_200(client: Client) -> None:
    details = client.get("TokenDetails").json()
    assert (details["Estab"], details["RelyingParty"]) == (ESTAB, "live.example.app")
    assert details["ExceptionMessage"] is None
    client.http.headers["Authorization"] = "Idaas nonsense"
    refused = client.get("TokenDetails")
    assert refused.status_code == 200
    assert refused.json()["ExceptionMessage"]
    assert client.get("TokenDetails?httpStatusCodes=true").status_code == 401


def test_paths_and_parameters_have_no_case_and_the_last_page_points_on(client: Client) -> None:
    for path in ("students/?pagesize=20&PAGE=2", "STUDENTS?pageSize=20&page=2"):
        answer = client.data(path)
        assert len(answer["Students"]) == 10
        assert answer["meta"] == []
        assert answer["__pagination__"] == [
            {"PageSize": 20, "PageNumber": 2, "PageCount": 2, "RowCount": 30,
             "NextPage": "?page=3&pageSize=20"}
        ]  # fmt: skip
    assert "__pagination__" not in client.data("Students")


def test_a_change_calls_the_latest_registration_exactly_as_registered(client: Client) -> None:
    for name in ("old", "new"):
        url = f"{client.receiver.url}/{name}?estab={ESTAB}&database=xodschooldata&sig=a%2Bb"
        assert client.post("Webhook", {"url": url, "DatabaseName": "xodschooldata"}) == {
            "Message": "success", "ExceptionType": None, "ExceptionMessage": None,
            "InnerException": None,
        }  # fmt: skip
    answer = client.sim(
        "POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 2, "deletes": 1}
    )
    assert answer["webhook_called"]
    assert len(answer["changed"]["Students"]["updated"]) == 2
    assert len(answer["changed"]["Students"]["deleted"]) == 1
    assert [call[:2] for call in client.receiver.received] == [
        ("POST", f"/new?estab={ESTAB}&database=xodschooldata&sig=a%2Bb")
    ]
    nothing = client.sim("POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 0})
    assert not nothing["webhook_called"]


def test_a_change_may_be_announced_before_it_can_be_read(client: Client) -> None:
    client.post("Webhook", {"url": f"{client.receiver.url}/hook", "DatabaseName": "XodSchoolData"})
    before = client.sim("GET", f"schools/{ESTAB}")["revision"]
    change = f"schools/{ESTAB}/databases/XodSchoolData/change"
    answer = client.sim("POST", change, {"rows": 2, "late_seconds": 0.01})
    assert len(answer["changed"]["Students"]["updated"]) == 2
    assert (answer["revision"], len(answer["callbacks"])) == (before + 1, 1)
    assert len(client.receiver.received) == 1


def test_a_silent_change_is_announced_by_the_nightly_run(client: Client) -> None:
    url = f"{client.receiver.url}/hook"
    client.post("Webhook", {"url": url, "DatabaseName": "XodSchoolData"})
    change = f"schools/{ESTAB}/databases/XodSchoolData/change"
    client.sim("POST", change, {"rows": 1, "notify": False})
    assert client.receiver.received == []
    client.sim("POST", f"schools/{ESTAB}/nightly")
    client.sim("POST", f"schools/{ESTAB}/nightly")
    assert len(client.receiver.received) == 1


@pytest.mark.parametrize(
    ("fault", "calls"),
    [("lost_callback", 0), ("duplicate_callback", 2), ("forged_callback", 2)],
)
def test_callbacks_are_lost_doubled_and_forged(client: Client, fault: str, calls: int) -> None:
    client.sim("PUT", "faults", [{"kind": fault, "count": 1, "callback": "authentication"}])
    client.sim("POST", f"schools/{ESTAB}/authorise")
    assert len(client.receiver.received) == calls
    secrets = {
        parse_qs(body.decode())["schoolSecret"][0] for _, _, body in client.receiver.received
    }
    assert (len(secrets) == 2) == (fault == "forged_callback")


def test_transport_faults_strike_and_are_counted(client: Client) -> None:
    client.sim(
        "PUT",
        "faults",
        [
            {"kind": "rate_limited", "count": 1, "retry_after": 7},
            {"kind": "server_error", "count": 1, "status": 502},
            {"kind": "cut_json", "count": 1},
            {"kind": "cut_connection", "count": 1},
            {"kind": "expired_token", "count": 1},
        ],
    )
    limited = client.get(f"School/{ESTAB}/Staff")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert client.get(f"School/{ESTAB}/Staff").status_code == 502
    assert "expired" in client.data("Staff")["ExceptionMessage"]
    with pytest.raises(requests.JSONDecodeError):
        client.data("Staff")
    with pytest.raises(requests.RequestException):
        client.data("Staff")
    assert len(client.data("Staff")["Staff"]) > 0
    assert [each["applied"] for each in client.sim("GET", "faults")["faults"]] == [1] * 5


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [("ok", {"OK"}), ("not_ok", {"Pending", "OK"}), ("error", {"Error", "OK"}), ("late", {"OK"})],
)
def test_an_availability_callback_ends_as_configured(
    client: Client, outcome: str, statuses: set[str]
) -> None:
    client.sim("PUT", "application", {"availability_outcome": outcome})
    url = quote(f"{client.receiver.url}/ready?estab={ESTAB}&id=attendance1", safe="")
    assert client.data(f"AttendanceForDate?date={DAY}&callbackUrl={url}")["Attendance"]
    _, path, body = until(lambda: client.receiver.received)[0]
    assert path == f"/ready?estab={ESTAB}&id=attendance1"
    assert {each["Status"] for each in json.loads(body)["__DbStatus__"]} == statuses


def test_an_unencoded_callback_url_loses_its_id_to_the_api(client: Client) -> None:
    url = f"{client.receiver.url}/ready?estab={ESTAB}&id=attendance1"
    answer = client.data(f"AttendanceForDate?date={DAY}&callbackUrl={url}")
    assert answer["Attendance"] == []
    assert until(lambda: client.receiver.received)[0][1] == f"/ready?estab={ESTAB}"


def test_a_session_mark_is_written_read_back_and_reported(client: Client) -> None:
    url = f"{client.receiver.url}/done?id=w1&estab={ESTAB}"
    body = {"Marks": [mark(code="M")], "callback": [{"Method": "GET", "Url": url}]}
    assert client.post(f"Attendance/{ESTAB}/", body)["Message"] == "success"
    assert held(client) == "M"
    method, path, _ = until(lambda: client.receiver.received)[0]
    assert (method, path) == ("GET", f"/done?id=w1&estab={ESTAB}&XodCompleted=True")


def test_tier_one_refuses_the_whole_request_and_writes_nothing(client: Client) -> None:
    before = held(client)
    for wrong in (
        mark("999"), mark(Mark="?"), mark(Session="NIGHT"), mark(Notes="x" * 501),
        mark(MarkType="L"), mark(Date="2026-11-18"),
    ):  # fmt: skip
        answer = client.post(f"Attendance/{ESTAB}", {"Marks": [mark(code="O"), wrong]})
        assert answer["ExceptionMessage"], wrong
    assert held(client) == before
    assert client.sim("GET", f"schools/{ESTAB}/mis")["written"] == []


def test_tier_two_fails_in_the_end_with_its_tracking_id(client: Client) -> None:
    url = f"{client.receiver.url}/done?id=w2"
    closed = [mark(Date="2026-12-25")]
    body = {"Marks": closed, "callback": [{"Method": "POST", "Url": url}]}
    tracking = client.post(f"AttendanceAsync/{ESTAB}/", body)["TrackingId"]
    _, path, content = until(lambda: client.receiver.received)[0]
    query = parse_qs(urlsplit(path).query)
    assert query == {"id": ["w2"], "XodCompleted": ["False"], "trackingid": [tracking]}
    assert "closed" in json.loads(content)["Message"]


def test_a_lesson_mark_is_written_to_its_lesson(client: Client) -> None:
    client.school(students=500)
    row = client.data(f"AttendanceForDate/10000?date={DAY}&attendanceType=L")["Attendance"][0]
    lesson = {
        "StudentId": "10000", "MarkType": "L", "Date": DAY, "InstanceId": row["InstanceId"],
        "Mark": "V",
    }  # fmt: skip
    assert client.post(f"Attendance/{ESTAB}", {"Marks": [lesson]})["Message"] == "success"
    again = client.data(f"AttendanceForDate/10000?date={DAY}&attendanceType=L")["Attendance"]
    assert [each["Mark"] for each in again if each["Id"] == row["Id"]] == ["V"]


def test_conduct_is_written_and_its_ids_are_reported(client: Client) -> None:
    url = f"{client.receiver.url}/done?id=c1"
    body = {
        "Conducts": [
            {"Id": 1, "IncidentType": "Beh", "RecordedById": "1", "EntryDate": DAY, "TypeId": 8,
             "StatusId": 1, "Note": "Seen at lunch"}
        ],
        "Participants": [
            {"ConductId": 1, "Points": 4, "StudentId": "10000"},
            {"ConductId": 1, "Points": 2, "StudentId": "10003"},
        ],
        "callback": [{"Method": "POST", "Url": url}],
    }  # fmt: skip
    assert client.post("Writeback/Conduct", body)["Message"] == "success"
    _, path, content = until(lambda: client.receiver.received)[0]
    actual = json.loads(content)["result"][0]["ActualId"]
    assert "XodCompleted=True" in path
    back = client.data(f"ConductForDateRange?DateFrom={DAY}&DateTo={DAY}&options=includeStudentIds")
    incident = next(each for each in back["Conducts"] if each["Id"] == f"Beh.{actual}")
    assert (incident["Description"], incident["Status"]) == ("Seen at lunch", "Unresolved")
    parts = {
        each["StudentId"]: each["Points"]
        for each in back["StudentConducts"]
        if each["ConductId"] == incident["Id"]
    }
    assert parts == {"10000": 4, "10003": 2}
    del body["Conducts"][0]["StatusId"]  # type: ignore[attr-defined]
    assert "StatusId" in client.post("Writeback/Conduct", body)["ExceptionMessage"]


def test_a_lost_answer_has_written_all_the_same(client: Client) -> None:
    client.sim("PUT", "faults", [{"kind": "lost_answer", "count": 1}])
    with pytest.raises(requests.ConnectionError):
        client.post(f"Attendance/{ESTAB}", {"Marks": [mark(code="C")]})
    written = client.sim("GET", f"schools/{ESTAB}/mis")["written"]
    assert [(each["id"], each["times"]) for each in written] == [(f"10000.{DAY}.AM", 1)]
    assert held(client) == "C"


def test_only_a_kept_connection_is_dropped_and_what_it_carried_is_not_read(client: Client) -> None:
    client.sim("PUT", "faults", [{"kind": "dropped_connection", "path": "attendance/"}])
    with pytest.raises(requests.ConnectionError):
        client.post(f"Attendance/{ESTAB}", {"Marks": [mark(code="C")]})
    assert client.sim("GET", f"schools/{ESTAB}/mis")["written"] == []
    client.http.close()
    client.post(f"Attendance/{ESTAB}", {"Marks": [mark(code="C")]})
    assert held(client) == "C"


def test_an_agent_that_is_offline_fails_after_an_hour_of_scaled_time(client: Client) -> None:
    client.sim("PUT", "faults", [{"kind": "agent_offline", "count": 1}])
    callback = [{"Method": "POST", "Url": f"{client.receiver.url}/done?id=w3"}]
    began = time.monotonic()
    client.post(f"AttendanceAsync/{ESTAB}", {"Marks": [mark(code="E")], "callback": callback})
    assert "XodCompleted=False" in until(lambda: client.receiver.received)[0][1]
    assert 0.9 < time.monotonic() - began < 3
    assert held(client) != "E"


def test_requests_are_recorded_in_order_without_control_calls_or_secrets(client: Client) -> None:
    client.post("Webhook", {"url": "http://127.0.0.1:1/x", "DatabaseName": "XodSchoolData"})
    client.data("SchoolInfo?httpStatusCodes=true")
    log = client.sim("GET", "requests")["requests"]
    assert [(each["method"], each["path"], each["status"]) for each in log] == [
        ("POST", "/api/oauth/GetToken", 200),
        ("POST", "/api/v1/Webhook", 200),
        ("GET", f"/api/v1/School/{ESTAB}/SchoolInfo", 200),
    ]
    assert log[1]["body_keys"] == ["DatabaseName", "url"]
    assert client.secret not in json.dumps(log)
    later = client.sim("GET", f"requests?since={log[1]['sequence']}")["requests"]
    assert [each["sequence"] for each in later] == [log[2]["sequence"]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "schools", {"estab": "12"}),
        ("POST", "schools", {"students": -1}),
        ("POST", "schools", {"scopes": ["Nonsense"]}),
        ("POST", "schools", {"colour": "red"}),
        ("POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": "many"}),
        ("POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"deletes": 1000}),
        ("PUT", "application", {"webhook_method": "PATCH"}),
        ("PUT", "faults", [{"kind": "nonsense"}]),
    ],
)
def test_a_bad_control_call_says_why_and_changes_nothing(
    client: Client, method: str, path: str, body: Any
) -> None:
    before = client.sim("GET", f"schools/{ESTAB}"), client.sim("GET", "application")
    answer = client.http.request(method, f"{client.base}/_sim/{path}", json=body, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (client.sim("GET", f"schools/{ESTAB}"), client.sim("GET", "application")) == before


def test_the_process_says_it_is_ready_on_one_line_and_stops_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.simulator"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SIMULATOR_PORT": "0", "RELYING_PARTY": "my.app"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process.stdout as lines:
        ready = json.loads(lines.readline())
        assert ready["ready"] is True
        assert ready["relying_party"] == "my.app"
        assert requests.get(f"{ready['xporter_url']}/_sim/schools", timeout=5).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=2) == 0
        assert lines.read() == ""
