"""receive_availability: what Xporter calls when data are there, or will not come."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.builders import ESTAB, FORM, callback, signed_url
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.signed_urls import CallbackKind
from xporter_bridge.callbacks.signing_keys import SigningKeys

ID = "pull-4f1c0a5d2b6e5c3e9d7a1b2c3d4e5f60"
EVENTS = Path(__file__).parents[2] / "events" / "receive_availability"
OK = {"__DbStatus__": [{"DatabaseName": "XodAttendanceForDate", "Status": "OK"}]}


def _url(cloud: Cloud) -> str:
    keys = SigningKeys(cloud.client("secretsmanager"), cloud.arn("CallbackKeySecret")).keys()
    return signed_url(CallbackKind.AVAILABILITY, ESTAB, ID, *keys)


def _send(cloud: Cloud, body: bytes | None, content_type: str | None = "application/json") -> Any:
    event = callback(_url(cloud), "POST", body=body, content_type=content_type)
    return cloud.invoke("receive_availability", event)


def test_the_statuses_are_stored_before_the_caller_is_thanked(cloud: Cloud) -> None:
    reply = _send(cloud, json.dumps(OK).encode())
    assert reply["statusCode"] == 202
    assert cloud.take("AvailabilityQueue") == [
        {"estab": ESTAB, "id": ID, "statuses": [["XodAttendanceForDate", "OK"]]}
    ]


@pytest.mark.parametrize("name", ["callback__ok", "callback__pending_as_form"])
def test_the_examples_are_accepted_once_they_are_signed(cloud: Cloud, name: str) -> None:
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert cloud.invoke("receive_availability", event)["statusCode"] == 404
    event["rawQueryString"] = _url(cloud).partition("?")[2]
    assert cloud.invoke("receive_availability", event)["statusCode"] == 202
    (message,) = cloud.take("AvailabilityQueue")
    assert len(message["statuses"]) == 2
    assert "Waiting" not in json.dumps(message)


@pytest.mark.parametrize(
    "body",
    [None, b"", b"just words", b"\xff", b"<html>", b"\0", b'{"DbStatus": "[x"}'],
)
@pytest.mark.parametrize("content_type", ["application/json", FORM, None])
def test_a_body_that_says_nothing_does_not_keep_the_url_from_being_heard(
    cloud: Cloud, body: bytes | None, content_type: str | None
) -> None:
    event = callback(_url(cloud), "POST", body=body, content_type=content_type, is_base64=True)
    assert cloud.invoke("receive_availability", event)["statusCode"] == 202
    assert cloud.take("AvailabilityQueue") == [{"estab": ESTAB, "id": ID, "statuses": []}]


@pytest.mark.parametrize("body", [b"{", b"[1,", json.dumps(OK).encode()[:-1]])
@pytest.mark.parametrize("content_type", ["application/json", FORM, None])
def test_json_that_was_cut_is_refused_and_not_stored(
    cloud: Cloud, body: bytes, content_type: str | None
) -> None:
    event = callback(_url(cloud), "POST", body=body, content_type=content_type, is_base64=True)
    assert cloud.invoke("receive_availability", event)["statusCode"] == 400
    assert cloud.depth("AvailabilityQueue") == 0


@pytest.mark.parametrize("content_type", ["application/json", FORM, "text/html", "nonsense", None])
@pytest.mark.parametrize("added", ["", "?XodStatus=OK", "?", "&amp;status=Pending"])
def test_what_the_body_is_counts_and_not_what_its_type_claims(
    cloud: Cloud, content_type: str | None, added: str
) -> None:
    row = OK["__DbStatus__"]
    for body in (json.dumps(OK), json.dumps(row), urlencode({"DbStatus": json.dumps(row)})):
        event = callback(_url(cloud) + added, "POST", body=body.encode(), content_type=content_type)
        assert cloud.invoke("receive_availability", event)["statusCode"] == 202
        (message,) = cloud.take("AvailabilityQueue")
        assert message["statuses"] == [["XodAttendanceForDate", "OK"]]


def test_a_body_that_is_too_large_is_refused(cloud: Cloud) -> None:
    assert _send(cloud, b'{"a":"' + b"x" * 65536 + b'"}')["statusCode"] == 413


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.replace(f"estab={ESTAB}", "estab=3281103"),
        lambda url: url.replace("id=pull-4", "id=pull-5"),
        lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
        lambda url: url.partition("&key=")[0],
        lambda url: url.replace("&id=", "&subject="),
    ],
)
def test_whoever_alters_the_url_learns_nothing(cloud: Cloud, spoil: Any) -> None:
    event = callback(spoil(_url(cloud)), "POST", body=json.dumps(OK).encode())
    reply = cloud.invoke("receive_availability", event)
    assert (reply["statusCode"], reply["body"]) == (404, '{"message":"Not Found"}')
    assert cloud.depth("AvailabilityQueue") == 0


def test_a_fault_of_ours_lets_the_sender_try_again(cloud: Cloud) -> None:
    event = callback(_url(cloud), "POST", body=json.dumps(OK).encode())
    reply = cloud.invoke("receive_availability", event, without=["AVAILABILITY_QUEUE_URL"])
    assert reply["statusCode"] == 500
