"""receive_writeback: what Xporter calls when a writeback has ended."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import ESTAB, FORM, callback, signed_url
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.signed_urls import CallbackKind
from xporter_bridge.callbacks.signing_keys import SigningKeys

SUBJECT = "writeback-9b2d7c1e4a5f5e6d8c7b1a2f3e4d5c6b.0.1"
EVENTS = Path(__file__).parents[2] / "events" / "receive_writeback"


def _url(cloud: Cloud, added: str = "") -> str:
    keys = SigningKeys(cloud.client("secretsmanager"), cloud.arn("CallbackKeySecret")).keys()
    return signed_url(CallbackKind.WRITEBACK, ESTAB, SUBJECT, *keys) + added


def _send(cloud: Cloud, url: str, method: str = "POST", **facts: Any) -> Any:
    return cloud.invoke("receive_writeback", callback(url, method, **facts))


def _stored(cloud: Cloud) -> dict[str, Any]:
    (message,) = cloud.take("OutcomeQueue")
    return message


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("word", "is_completed"), [("True", True), ("False", False)])
def test_the_outcome_in_the_url_is_stored(
    cloud: Cloud, method: str, word: str, is_completed: bool
) -> None:
    url = _url(cloud, f"&XodCompleted={word}&trackingid=20171101121545.66a1")
    assert _send(cloud, url, method)["statusCode"] == 202
    assert _stored(cloud) == {
        "estab": ESTAB, "subject": SUBJECT, "is_completed": is_completed,
        "tracking_id": "20171101121545.66a1", "reason": "" if is_completed else "refused",
        "results": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"XODCOMPLETED": true, "TrackingId": "t1"}', "application/json"),
        (b"xodCompleted=true&trackingID=t1", FORM),
        (b'{"xodcompleted": "True", "trackingid": "t1"}', None),
    ],
)
def test_the_outcome_may_be_in_the_body_in_any_casing(
    cloud: Cloud, body: bytes, content_type: str | None
) -> None:
    reply = _send(cloud, _url(cloud), body=body, content_type=content_type)
    assert reply["statusCode"] == 202
    stored = _stored(cloud)
    assert (stored["is_completed"], stored["tracking_id"]) == (True, "t1")


@pytest.mark.parametrize(
    ("name", "is_completed", "reason", "results"),
    [
        ("outcome__completed", True, "", []),
        ("outcome__conduct", True, "", [["1", "1811"]]),
        ("outcome__failed_by_get", False, "school_closed", []),
    ],
)
def test_the_examples_are_accepted_once_they_are_signed(
    cloud: Cloud, name: str, is_completed: bool, reason: str, results: list[list[str]]
) -> None:
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert cloud.invoke("receive_writeback", event)["statusCode"] == 404
    added = event["rawQueryString"].partition("made-by-sign-callback")[2]
    event["rawQueryString"] = _url(cloud, added).partition("?")[2]
    assert cloud.invoke("receive_writeback", event)["statusCode"] == 202
    stored = _stored(cloud)
    assert (stored["is_completed"], stored["reason"], stored["results"]) == (
        is_completed, reason, results,
    )  # fmt: skip


def test_words_that_may_name_a_pupil_are_not_stored(cloud: Cloud) -> None:
    words = b"StudentId 9919 (Graham Abbess) not found"
    url = _url(cloud, "&XodCompleted=False")
    assert _send(cloud, url, body=words, content_type="text/plain")["statusCode"] == 202
    stored = _stored(cloud)
    assert stored["reason"] == "student_unknown"
    assert "Graham" not in json.dumps(stored)


@pytest.mark.parametrize(
    ("added", "body"),
    [
        ("", None),
        ("&XodCompleted=perhaps", None),
        ("?XodCompleted=", b"{"),
        ("&trackingid=t1", b'{"result": '),
        ("", b'{"xodcompleted": "perhaps"}'),
    ],
)
def test_what_tells_no_outcome_is_refused(cloud: Cloud, added: str, body: bytes | None) -> None:
    reply = _send(cloud, _url(cloud, added), body=body, content_type="application/json")
    assert reply["statusCode"] == 400
    assert cloud.depth("OutcomeQueue") == 0


@pytest.mark.parametrize(
    "added",
    [
        "&XodCompleted=True&trackingid=t1",
        "?XodCompleted=True&trackingid=t1",
        "?XodCompleted=True?trackingid=t1",
        "&XodCompleted=True?trackingid=t1&message=caf%E9",
        "&amp;XodCompleted=True&amp;trackingid=t1",
    ],
)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b'{"result": ', "application/json"),
        (b"<html>busy</html>", "application/json"),
        (b"XodCompleted=False", "application/json"),
        (b'{"XodCompleted": false}', FORM),
        (b"\xff\xfe\0", FORM),
        (b"[" * 9_000, "text/plain"),
    ],
)
def test_what_the_url_says_counts_and_a_body_never_spoils_it(
    cloud: Cloud, added: str, body: bytes, content_type: str
) -> None:
    reply = _send(cloud, _url(cloud, added), body=body, content_type=content_type, is_base64=True)
    assert reply["statusCode"] == 202
    stored = _stored(cloud)
    assert (stored["is_completed"], stored["tracking_id"]) == (True, "t1")


@pytest.mark.parametrize("content_type", ["application/json", FORM, "text/plain", None])
def test_results_are_read_whatever_the_body_is_called(
    cloud: Cloud, content_type: str | None
) -> None:
    body = b'{"result": [{"IncidentId": "1", "ActualId": "1811"}]}'
    _send(cloud, _url(cloud, "?XodCompleted=True"), body=body, content_type=content_type)
    assert _stored(cloud)["results"] == [["1", "1811"]]


def test_the_outcome_of_another_writeback_cannot_be_claimed(cloud: Cloud) -> None:
    url = _url(cloud, "&XodCompleted=True").replace(".0.1", ".0.2")
    assert _send(cloud, url)["statusCode"] == 404
    assert cloud.depth("OutcomeQueue") == 0


def test_a_fault_of_ours_lets_the_sender_try_again(cloud: Cloud) -> None:
    event = callback(_url(cloud, "&XodCompleted=True"), "POST")
    reply = cloud.invoke("receive_writeback", event, without=["CALLBACK_KEY_SECRET_ARN"])
    assert reply["statusCode"] == 500
