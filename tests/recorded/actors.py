"""What Xporter, a school and the company's software do in the stories."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.recorded.support import BASE_URL, SECRETS, Deployment
from tests.support.builders import FORM, authentication_form, callback
from tests.support.xporter import Xporter

ESTAB, OTHER = "3281102", "3286198"
SCHOOL = f"/v1/schools/{ESTAB}"
DAY, TODAY = "2026-11-17", "2026-11-20"
SCOPES = ["School", "Student"]
ATTENDANCE_SCOPES = [*SCOPES, "Attendance"]
WRITEBACK_SCOPES = [*ATTENDANCE_SCOPES, "Conduct", "WritebackAttendance", "WritebackConduct"]
Keep = Callable[[str], None]


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


def mark(pupil: str, **facts: Any) -> dict[str, Any]:
    return {
        "StudentId": pupil, "MarkType": "S", "Date": DAY, "Session": "AM", "Mark": "G", **facts,
    }  # fmt: skip
