"""What the adapter makes of answers that the simulator does not give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import ESTAB
from tests.support.xporter import LyingXporter
from xporter_bridge.errors import RateLimitedError, XporterUnavailableError
from xporter_bridge.exact_json import Document
from xporter_bridge.xporter import client as xporter_api
from xporter_bridge.xporter import envelopes
from xporter_bridge.xporter.client import XporterApi

DETAILS = {"Estab": ESTAB, "RelyingParty": "rp"}


def data(body: bytes) -> dict[str, Any]:
    with LyingXporter(lambda _path, _sent: (200, body)) as lying:
        return XporterApi(lying.url).school_data(ESTAB, "Students", "token", {})


def test_an_answer_comes_with_its_text() -> None:
    text = b'{"Students":[{"Id":"1","N":12345678901234567890123}]}'
    answer = data(text)
    assert isinstance(answer, Document)
    assert answer.text == text


@pytest.mark.parametrize("note", [rb"a\ud83d", rb"a\udc00", b"a\xe9"])
def test_half_a_character_costs_no_answer(note: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    text = b'{"Students":[{"Id":"1","Note":"' + note + b'"}]}'
    assert data(text) == {"Students": [{"Id": "1", "Note": "a\ufffd"}]}
    assert '"message":"answer_mended"' in capsys.readouterr().out


def test_half_an_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xporter_api, "_QUICK_RETRY_SECONDS", 0)
    with pytest.raises(XporterUnavailableError, match="xporter_answer_cut"):
        data(rb'{"Students":[{"Id":"1","Note":"\ud83d')


@pytest.mark.parametrize(
    "said", [{}, {"Scopes": None}, {"Scopes": {"Name": "Student"}}, {"Scopes": [{"Name": "A"}]}]
)
def test_a_token_that_does_not_say_what_it_allows_does_not_allow_nothing(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xporter_api, "_QUICK_RETRY_SECONDS", 0)
    refused = pytest.raises(XporterUnavailableError, match="xporter_answer_unrecognised")
    with LyingXporter(lambda _path, _sent: (200, {**DETAILS, **said})) as lying, refused:
        XporterApi(lying.url).token_details("token")


@pytest.mark.parametrize(
    ("said", "scopes"),
    [([], ()), ("", ()), ("A, B", ("A", "B")), (["A", " B", "A"], ("A", "B"))],
)
def test_scopes_are_read_as_a_list_or_as_text(said: Any, scopes: tuple[str, ...]) -> None:
    with LyingXporter(lambda _path, _sent: (200, {**DETAILS, "SCOPES": said})) as lying:
        assert XporterApi(lying.url).token_details("token").scopes == scopes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("999999999", 3600),
        ("9" * 30, 3600),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 3600),
        ("soon", None),
    ],
)
def test_nobody_is_sent_away_for_longer_than_an_hour(text: str, seconds: float | None) -> None:
    with pytest.raises(RateLimitedError) as caught:
        xporter_api.check_response(envelopes.GET_TOKEN, 429, {"Retry-After": text}, b"")
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("expires", [None, "", "soon"])
def test_a_token_that_does_not_say_when_it_ends_is_good_for_a_while(expires: str | None) -> None:
    answer = json.dumps({"token": "t", "expires": expires}).encode()
    with LyingXporter(lambda _path, _sent: (200, answer)) as lying:
        token = XporterApi(lying.url).get_token(ESTAB, "rp", "secret")
    left = token.expires_at - datetime.now(UTC)
    assert timedelta(minutes=5) < left <= timedelta(minutes=10)
