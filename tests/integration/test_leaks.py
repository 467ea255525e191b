"""One whole run in which every field of every payload is a canary, and what is left of it where.

Whoever answers, calls or is written to here puts a word into each field that exists nowhere else.
So a word that turns up in a log, a metric, a queue, an event or an error got there by a leak.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from moto import mock_aws

from tests.support.builders import (
    BASE_URL,
    ESTAB,
    FORM,
    RELYING_PARTY,
    callback,
    records,
    school_table,
)
from tests.support.company_api import Answer, CompanyApi
from tests.support.moto_cloud import REGION, Cloud
from tests.support.xporter import LyingXporter
from xporter_bridge.aws.clients import client
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.xporter.endpoints import endpoints

# The run is made once, so its tests stay on one worker.
pytestmark = pytest.mark.xdist_group("leaks")

# Kinds of canaries: what may never be anywhere, what may be in S3 alone, and what else comes in.
SECRET, ROW, WORD = "secret", "row", "word"
# An id of a writeback must be a number of the MIS, so this canary is one that is nowhere else.
PUPIL = "70931640295"
_CANARY = re.compile(rf"canary-(secret|row|word)-[a-z0-9_]+-\d+|{PUPIL}", re.IGNORECASE)
_numbers = itertools.count(1)


def canary(kind: str, where: str) -> str:
    """Return a word that exists nowhere else; its name says where it came in."""
    name = re.sub(r"[^a-z0-9]+", "_", where.lower())
    return f"canary-{kind}-{name}-{next(_numbers)}"


def found(evidence: object, *kinds: str) -> list[str]:
    """Return the canaries of the kinds in whatever was written or printed, base64 included."""
    text = evidence if isinstance(evidence, str) else repr(evidence)
    texts = [text]
    for encoded in re.findall(r"[A-Za-z0-9+/_-]{24,}={0,2}", text):
        with contextlib.suppress(ValueError):
            plain = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_")
            texts.append(plain.decode("latin-1"))
    hits = {match[0] for each in texts for match in _CANARY.finditer(each)}
    return sorted(hit for hit in hits if kind_of(hit) in kinds)


def kind_of(hit: str) -> str:
    return ROW if hit == PUPIL else hit.split("-")[1].lower()


# -- an Xporter of canaries

# Enough for a dataset of each kind: one table, several, one of the clock, and writebacks.
SCOPES = ["School", "Student", "Attendance", "WritebackAttendance"]


class Aviary:
    """Answers every call of Xporter with canaries; ``refuses`` makes calls fail instead."""

    def __init__(self) -> None:
        self.refuses: Callable[[str], tuple[int, Any] | None] = lambda path: None
        self.rows: list[str] = []

    def __call__(self, target: str, body: bytes) -> tuple[int, Any]:
        path = urlsplit(target).path.casefold().rstrip("/")
        refusal = self.refuses(path)
        if refusal:
            return refusal
        if path.endswith("gettoken"):
            token = canary(SECRET, "token")
            return 200, {"token": token, "expires": "2126-01-01T00:00:00Z", **self.extras("token")}
        if path.endswith("tokendetails"):
            details = {"Estab": ESTAB, "RelyingParty": RELYING_PARTY, "Scopes": SCOPES}
            return 200, {**details, "Name": canary(WORD, "name"), **self.extras("details")}
        if "/school/" in path:
            return 200, self.data(path.split("/")[5], parse_qsl(urlsplit(target).query))
        return 200, {"TrackingId": "20261124030000.1", **self.extras("answer")}

    def extras(self, where: str) -> dict[str, Any]:
        return {"Message": canary(WORD, where), "Surprise": {"Deep": [canary(WORD, where)]}}

    def data(self, resource: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        """Return two rows of every table, each known field and an unknown one a canary."""
        if any(name.casefold() == "callbackurl" for name, _ in query):
            return {}
        endpoint = next(
            each for each in endpoints().values() if each.resource.casefold() == resource
        )
        answer: dict[str, Any] = {}
        for table in endpoint.tables.values():
            names = [*(table.fields or {"Id"}), "SurpriseColumn"]
            answer[table.name] = [
                {name: self.row_canary(f"{table.name}_{name}") for name in names} for _ in range(2)
            ]
        meta = {"Id": 1, "MIS": canary(ROW, "mis"), "DateTime": "2026-11-24T02:25:06.223"}
        return {**answer, "meta": [meta]}

    def row_canary(self, where: str) -> str:
        made = canary(ROW, where)
        self.rows.append(made)
        return made


def refused(where: str) -> tuple[int, Any]:
    return 200, {
        "Message": canary(WORD, f"refused {where}"),
        "ExceptionType": canary(WORD, f"refused {where}"),
        "ExceptionMessage": f"Pupil {canary(ROW, f'refused {where}')} is not known",
        "InnerException": {"Message": canary(ROW, f"refused {where}")},
    }


# Whatever else a call can come back with, each quoting something.
FAILURES: dict[str, Callable[[], tuple[int, Any]]] = {
    "refused": lambda: refused("answer"),
    "server error": lambda: (500, f"<h1>{canary(ROW, 'html')}</h1>".encode()),
    "cut": lambda: (200, f'{{"Students": [{{"Id": "{canary(ROW, "cut")}"'.encode()),
    "rate limited": lambda: (429, canary(ROW, "rate").encode()),
    "not an object": lambda: (200, [canary(ROW, "list")]),
    "rows that are not objects": lambda: (200, {"Students": [canary(ROW, "bare")]}),
    "token without expiry": lambda: (200, {"token": canary(SECRET, "x"), "expires": "canary"}),
    "counts that are not numbers": lambda: (
        200,
        {"Students": [], "__pagination__": [{"PageCount": canary(ROW, "count")}]},
    ),
    "forbidden": lambda: (403, {"Message": canary(ROW, "forbidden")}),
}


# -- the run


@dataclass
class Run:
    """Everything that one whole run wrote and printed."""

    cloud: Cloud
    aviary: Aviary
    secrets: list[str] = field(default_factory=list)
    printed: io.StringIO = field(default_factory=io.StringIO)
    logged: list[str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    replies: list[tuple[str, Any]] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    snapshots: str = ""

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        try:
            reply = self.cloud.invoke(function, event)
        except Exception as error:  # noqa: BLE001 - Lambda would log it, so it is evidence
            self.raised.append(f"{function}: {type(error).__name__}: {error}")
            return None
        self.replies.append((function, reply))
        return reply

    def work(self, *only: str) -> None:
        """Deliver what is queued until nothing is left; a failure is repeated once at most.

        A message that Xporter failed is sent again by its function, for hours of the real world.
        Its third delivery would write and print what its second did.
        """
        wanted = only or tuple(CONSUMED)
        for _ in range(10):
            queues = [queue for queue in wanted if self.cloud.depth(queue)]
            if not queues:
                return
            for queue in queues:
                for body in [message["Body"] for message in self.cloud.take_raw(queue)]:
                    if json.loads(body).get("tries", 0) <= 1:
                        self.invoke(CONSUMED[queue], records(body))

    def keys(self, secret: str) -> list[SigningKey]:
        secret_id = self.cloud.ref(secret)
        answer = client("secretsmanager").get_secret_value(SecretId=secret_id)
        return [SigningKey(answer["VersionId"][:8], answer["SecretString"].encode())]

    def url(self, kind: CallbackKind, subject: str) -> str:
        keys = self.keys("CallbackKeySecret")
        signed = sign(kind, ESTAB, subject, base_url=BASE_URL, keys=keys)
        return f"{signed}&extra={canary(WORD, f'{kind} query')}"


CONSUMED = {
    "AuthenticationQueue": "onboard_school",
    "RegistrationQueue": "register_webhooks",
    "DatabaseQueue": "plan_pulls",
    "PullQueue": "pull_dataset",
    "AvailabilityRequestQueue": "request_availability",
    "AvailabilityQueue": "settle_availability",
    "WritebackQueue": "submit_writeback",
    "OutcomeQueue": "settle_writeback",
    "ErasureQueue": "erase_data",
}


@contextlib.contextmanager
def watched(run: Run) -> Iterator[None]:
    """Keep all that is printed, logged and asked of AWS."""

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # What others log is heard from WARNING on, as in Lambda; ours is printed.
            if record.levelno >= logging.WARNING:
                run.logged.append(f"{record.getMessage()} {record.__dict__}")

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        run.requests.append((model.name, params))

    keeper, root = Keeper(logging.DEBUG), logging.getLogger()
    services = ("sqs", "dynamodb", "events", "s3")
    root.addHandler(keeper)
    for service in services:
        client(service).meta.events.register("provide-client-params", note)
    try:
        with contextlib.redirect_stdout(run.printed), contextlib.redirect_stderr(run.printed):
            yield
    finally:
        for service in services:
            client(service).meta.events.unregister("provide-client-params", note)
        root.removeHandler(keeper)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    aviary = Aviary()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        LyingXporter(aviary) as xporter,
        mock_aws(),
    ):
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setattr("time.sleep", lambda _: None)  # between a call and its quick repetition
        cloud = Cloud(XporterUrl=xporter.url, CallbackBaseUrl=BASE_URL, LogLevel="DEBUG")
        made = Run(cloud, aviary)
        with watched(made):
            for act in (authorise, be_refused, change, ask, write_back, watch, send_nonsense):
                act(made)
            made.snapshots = snapshots(cloud)
            erase(made)
        yield made


def form(secret: str, **fields: str) -> bytes:
    return urlencode({
        "schoolSecret": secret,
        "schoolId": ESTAB,
        "partnerId": RELYING_PARTY,
        **{
            name: canary(WORD, name)
            for name in (
                "schoolEmail", "schoolName", "templateScopes", "scopes", "thirdParty", "surprise",
            )
        },
        **fields,
    }).encode()  # fmt: skip


def post_authentication(run: Run, body: bytes, content_type: str = FORM, token: str = "") -> None:
    path_token = token or run.keys("AuthenticationTokenSecret")[0].secret.decode()
    run.secrets.append(path_token)
    url = f"{BASE_URL}/callbacks/authentication/{path_token}"
    headers = {"user-agent": canary(WORD, "agent"), "x-surprise": canary(WORD, "header")}
    arguments = {"headers": headers, "content_type": content_type, "is_base64": True}
    run.invoke("receive_authentication", callback(url, "POST", body=body, **arguments))


def authorise(run: Run) -> None:
    post_authentication(run, form(canary(SECRET, "school")))
    run.work()
    as_json = dict(parse_qsl(form(canary(SECRET, "json")).decode()))
    post_authentication(run, json.dumps(as_json).encode(), "application/json")
    run.work()


def be_refused(run: Run) -> None:
    """Let every call of Xporter fail in every way, at onboarding, registering and pulling."""
    looks = records({"estab": ESTAB, "look_at_scopes": True})
    for failure in FAILURES.values():
        for path in ("gettoken", "tokendetails"):
            refuse(run, failure, path)
            post_authentication(run, form(canary(SECRET, "refused")))
            run.work("AuthenticationQueue")
        refuse(run, failure, "webhook")
        age_registrations(run)
        run.invoke("register_webhooks", looks)
        refuse(run, failure, "schoolinfo")
        run.invoke("receive_database", callback(run.url(CallbackKind.DATABASE, "XodSchoolData")))
        run.work("DatabaseQueue")
        run.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "schoolinfo"}))
    paused = {"token": None, "AuthorisationPaused": True, "Message": canary(WORD, "paused")}
    refuse(run, lambda: (200, paused), "gettoken")
    post_authentication(run, form(canary(SECRET, "paused")))
    run.work()
    run.aviary.refuses = lambda path: None
    post_authentication(run, form(canary(SECRET, "again")))
    run.work()


def refuse(run: Run, failure: Callable[[], tuple[int, Any]], path: str) -> None:
    run.aviary.refuses = lambda asked: failure() if path in asked else None


def age_registrations(run: Run) -> None:
    school_table(run.cloud).change(ESTAB, lambda school: replace(school, registrations={}))


def change(run: Run) -> None:
    url = run.url(CallbackKind.DATABASE, "XodSchoolData")
    for method in ("GET", "POST"):
        body = json.dumps({"row": canary(ROW, "database body")}).encode()
        run.invoke("receive_database", callback(url, method, body=body, is_base64=True))
    run.work()


def ask(run: Run) -> None:
    api = CompanyApi(run.cloud)
    parameters = {"date": "2026-11-20", "id": canary(ROW, "pupil asked for")}
    body = {"endpoint": "AttendanceForDate", "parameters": parameters}
    answer = asked(run, api.post(f"/v1/schools/{ESTAB}/pulls", body))
    run.work()
    status = [{"Name": "XodAttendanceForDate", "Status": "OK", "Message": canary(WORD, "db")}]
    body_ = json.dumps({"__DbStatus__": status, "Pupil": canary(ROW, "db pupil")}).encode()
    url = run.url(CallbackKind.AVAILABILITY, answer.document["id"])
    arguments = {"body": body_, "content_type": "application/json"}
    run.invoke("receive_availability", callback(url, "POST", **arguments))
    run.work()
    asked(run, api.get(f"/v1/schools/{ESTAB}/pulls/{answer.document['id']}"))
    asked(run, api.post(f"/v1/schools/{ESTAB}/pulls", {"dataset": "students"}))
    run.work()


def asked(run: Run, answer: Answer) -> Answer:
    run.replies.append(("serve_api", answer))
    return answer


def mark(**changes: Any) -> dict[str, Any]:
    return {
        "StudentId": PUPIL, "MarkType": "S", "Date": "2026-11-20", "Session": "AM",
        "Mark": "L", "Notes": canary(ROW, "note"), **changes,
    }  # fmt: skip


def write_back(run: Run) -> None:
    api, path = CompanyApi(run.cloud), f"/v1/schools/{ESTAB}/writebacks"
    for number, failure in enumerate((None, *FAILURES.values())):
        run.aviary.refuses = lambda asked, f=failure: (
            f() if f and ("attendance" in asked or "gettoken" in asked) else None
        )
        body = {"kind": "attendance", "payload": {"Marks": [mark()]}}
        answer = asked(run, api.post(path, body, Idempotency_Key=f"key-{number}"))
        run.work()
        id_ = answer.document["id"]
        for completed in ("False", "True"):
            url = run.url(CallbackKind.WRITEBACK, f"{id_}.0.1") + f"&XodCompleted={completed}"
            said = {
                "Message": f"Pupil {canary(ROW, 'outcome')} is unknown",
                "result": [
                    {"IncidentId": canary(WORD, "ours"), "ActualId": canary(WORD, "theirs")}
                ],
            }
            arguments = {"body": json.dumps(said).encode(), "content_type": "application/json"}
            run.invoke("receive_writeback", callback(url, "POST", **arguments))
        run.work()
        asked(run, api.get(f"{path}/{id_}"))
    run.aviary.refuses = lambda path: None
    for payload in ({"Marks": [mark(Date=canary(ROW, "date"))]}, {"Marks": canary(ROW, "marks")}):
        body = {"kind": "attendance", "payload": payload}
        asked(run, api.post(path, body, Idempotency_Key="wrong"))
        message = {"estab": ESTAB, "idempotency_key": "wrong", **body}
        run.invoke("submit_writeback", records(message))
    run.work()


def watch(run: Run) -> None:
    for function in (
        "watch_deadlines",
        "schedule_registrations",
        "schedule_pulls",
        "rotate_secrets",
    ):
        run.invoke(function, {"surprise": canary(WORD, "schedule")})
        run.work()
    run.invoke("render_widget", {"widgetContext": {"theme": canary(WORD, "widget")}})
    for path in ("/v1/schools", f"/v1/schools/{ESTAB}", f"/v1/schools/{ESTAB}/datasets/students"):
        asked(run, CompanyApi(run.cloud).get(path))


def send_nonsense(run: Run) -> None:
    """Let every entry point meet what it cannot read, each time quoting something."""
    post_authentication(run, form(canary(SECRET, "bad"), schoolId=canary(WORD, "estab")))
    post_authentication(run, form(canary(SECRET, "bad")) + b"&schoolId=3286198")
    post_authentication(run, form(canary(SECRET, "bad")), "text/plain")
    post_authentication(run, f'{{"schoolSecret": "{canary(SECRET, "bad")}"'.encode())
    post_authentication(run, form(canary(SECRET, "bad")), token=canary(SECRET, "path"))
    for receiver, kind in (
        ("receive_database", CallbackKind.DATABASE),
        ("receive_availability", CallbackKind.AVAILABILITY),
        ("receive_writeback", CallbackKind.WRITEBACK),
    ):
        url = run.url(kind, "pull-00000000")
        for bad in (url.replace("signature=", f"signature={canary(SECRET, 'signature')}"), url):
            body = f"no json {canary(ROW, 'body')}".encode()
            arguments = {"body": body, "content_type": "application/json"}
            run.invoke(receiver, callback(bad, "POST", **arguments))
    for function in CONSUMED.values():
        run.invoke(function, records(f"no json {canary(ROW, 'message')}"))
        run.invoke(function, records({"estab": ESTAB, "surprise": canary(ROW, "message")}))
    api = CompanyApi(run.cloud)
    for path in (f"/v1/schools/{canary(WORD, 'path')}", f"/v1/{canary(WORD, 'path')}"):
        asked(run, api.get(path))
    asked(run, api.post(f"/v1/schools/{ESTAB}/pulls", {"dataset": canary(WORD, "dataset")}))
    asked(run, api.post(f"/v1/schools/{ESTAB}/pulls", canary(ROW, "no object")))
    run.work()


def snapshots(cloud: Cloud) -> str:
    """Return the text of every snapshot that a reader would read."""
    return "".join(
        gzip.decompress(body).decode()
        for key, body in cloud.objects("DataBucket").items()
        if key.startswith("snapshots/")
    )


def erase(run: Run) -> None:
    asked(run, CompanyApi(run.cloud).delete(f"/v1/schools/{ESTAB}"))
    run.work()
    run.invoke("watch_deadlines", {})


# -- what is left of it, and where


def of(run: Run, *operations: str) -> list[dict[str, Any]]:
    return [params for operation, params in run.requests if operation in operations]


def messages(run: Run) -> list[dict[str, Any]]:
    batches = of(run, "SendMessageBatch")
    return of(run, "SendMessage") + [entry for batch in batches for entry in batch["Entries"]]


def test_the_run_reached_its_end_through_every_function(run: Run) -> None:
    assert set(run.cloud.used) >= {*CONSUMED.values(), "receive_authentication", "serve_api"}
    assert run.cloud.used.keys() | {"render_widget"} >= {
        name for name, _ in run.replies if name != "serve_api"
    }
    events = [json.loads(e["Entries"][0]["Detail"])["type"] for e in of(run, "PutEvents")]
    assert {"school.authorised", "school.live", "school.paused", "dataset.changed"} <= set(events)
    assert events[-1] == f"school.{SchoolState.ERASED}"


def test_the_rows_did_arrive_where_they_belong(run: Run) -> None:
    assert len(found(run.snapshots, ROW)) > 200
    assert found(run.snapshots, SECRET, WORD) == []


def test_nothing_of_it_is_printed_or_logged_even_at_debug(run: Run) -> None:
    printed = run.printed.getvalue()
    assert '"level":"DEBUG"' in printed or '"level":"INFO"' in printed
    assert printed.count("\n") > 300
    assert found(printed, SECRET, ROW, WORD) == []
    assert found("\n".join(run.logged), SECRET, ROW, WORD) == []


def test_nothing_of_it_is_in_a_metric(run: Run) -> None:
    metrics = [line for line in run.printed.getvalue().splitlines() if '"_aws"' in line]
    assert len(metrics) > 100
    assert found("\n".join(metrics), SECRET, ROW, WORD) == []


def test_nothing_of_it_is_in_an_attribute_of_a_message(run: Run) -> None:
    sent = messages(run)
    assert len(sent) > 100
    assert found([m.get("MessageAttributes") for m in sent], SECRET, ROW, WORD) == []


def test_no_secret_and_no_row_is_in_the_body_of_a_message(run: Run) -> None:
    bodies = [message["MessageBody"] for message in messages(run)]
    assert found("\n".join(bodies), SECRET, ROW) == [], [b for b in bodies if found(b, ROW)]


def test_nothing_of_it_is_on_the_event_bus(run: Run) -> None:
    published = of(run, "PutEvents")
    assert len(published) > 20
    assert found(published, SECRET, ROW, WORD) == []


def test_no_secret_and_no_row_was_ever_written_into_a_table_unsealed(run: Run) -> None:
    written = of(run, "UpdateItem", "PutItem", "TransactWriteItems")
    assert len(written) > 200
    assert found(written, SECRET) == []
    assert without_question(found(written, ROW)) == []


def test_no_name_of_an_object_holds_anything_of_it(run: Run) -> None:
    keys = [params.get("Key") for operation, params in run.requests if "Key" in params]
    assert found([key for key in keys if isinstance(key, str)], SECRET, ROW, WORD) == []


def test_no_reply_repeats_what_it_was_sent(run: Run) -> None:
    callbacks = [reply for name, reply in run.replies if name.startswith("receive_")]
    assert {reply["statusCode"] for reply in callbacks} >= {202, 400, 404}
    assert found(callbacks, SECRET, ROW, WORD) == []
    errors = [
        reply
        for name, reply in run.replies
        if name == "serve_api" and isinstance(reply, Answer) and reply.status >= 400
    ]
    assert len(errors) >= 4
    assert found(errors, SECRET, ROW) == []


def test_no_answer_of_the_api_tells_a_secret_or_a_row(run: Run) -> None:
    answers = [reply for name, reply in run.replies if name == "serve_api"]
    assert without_question(found(answers, SECRET, ROW)) == []


def without_question(hits: list[str]) -> list[str]:
    """Leave out what the company's own software asked for: it is kept, and told to it again."""
    return [hit for hit in hits if "pupil_asked_for" not in hit]


def test_no_error_that_lambda_would_log_quotes_anything(run: Run) -> None:
    assert found(run.raised, SECRET, ROW, WORD) == []


def test_no_key_token_or_signature_of_ours_is_anywhere(run: Run) -> None:
    signatures = {
        dict(parse_qsl(urlsplit(run.url(kind, subject)).query))["signature"]
        for kind, subject in (
            (CallbackKind.DATABASE, "XodSchoolData"),
            (CallbackKind.DATABASE, "XodAttendanceSummary"),
        )
    }
    ours = signatures | {*filter(None, run.secrets)}
    ours |= {key.secret.decode() for key in run.keys("CallbackKeySecret")}
    everything = "\n".join((
        run.printed.getvalue(), *run.logged, *run.raised, repr(run.requests), repr(run.replies),
    ))  # fmt: skip
    assert [each for each in ours if each in everything or quote(each) in everything] == []
