import base64

import pytest

from tests.support.builders import callback
from xporter_bridge.callbacks.request import MAX_BODY_BYTES, read_request
from xporter_bridge.errors import CallbackRejectedError

URL = "https://callbacks.example.app/callbacks/database?estab=3281102"


def rejection(event: object) -> tuple[int, str]:
    with pytest.raises(CallbackRejectedError) as rejected:
        _ = read_request(event).body  # type: ignore[arg-type]
    return rejected.value.status, rejected.value.reason


def test_a_body_that_came_as_text_is_its_bytes() -> None:
    request = read_request(callback(URL, "POST", body="schoolName=Ysgol Gŵyr".encode()))
    assert request.body == "schoolName=Ysgol Gŵyr".encode()


def test_a_body_that_came_as_base64_is_decoded_to_the_exact_bytes() -> None:
    every_byte = bytes(range(256))
    assert read_request(callback(URL, "POST", body=every_byte, is_base64=True)).body == every_byte


def test_an_absent_body_is_an_empty_one() -> None:
    assert read_request(callback(URL)).body == b""
    assert read_request({**callback(URL), "body": None}).body == b""


def test_a_body_that_claims_base64_and_is_none_is_refused() -> None:
    for text in ("no base64!", "YQ", "Ŵ==="):
        event = {**callback(URL, "POST"), "body": text, "isBase64Encoded": True}
        assert rejection(event) == (400, "body_not_base64")


@pytest.mark.parametrize("is_base64", [True, False])
def test_a_body_of_exactly_64_kib_is_taken_and_one_byte_more_is_not(is_base64: bool) -> None:
    at = callback(URL, "POST", body=b"a" * MAX_BODY_BYTES, is_base64=is_base64)
    over = callback(URL, "POST", body=b"a" * (MAX_BODY_BYTES + 1), is_base64=is_base64)
    assert len(read_request(at).body) == MAX_BODY_BYTES
    assert rejection(over) == (413, "body_too_large")


def test_the_limit_counts_bytes_and_not_characters() -> None:
    body = ("ŵ" * (MAX_BODY_BYTES // 2)).encode()
    assert len(read_request(callback(URL, "POST", body=body)).body) == MAX_BODY_BYTES
    over = {**callback(URL, "POST"), "body": "ŵ" * (MAX_BODY_BYTES // 2) + "a"}
    assert rejection(over) == (413, "body_too_large")


def test_a_huge_body_is_refused_before_it_is_decoded() -> None:
    event = {**callback(URL, "POST"), "body": "!" * 200_000, "isBase64Encoded": True}
    assert rejection(event) == (413, "body_too_large")


@pytest.mark.parametrize("text", ["\udcff", "a\ud83d"])
def test_text_that_is_no_unicode_stays_none_for_its_reader_to_replace(text: str) -> None:
    body = read_request({**callback(URL, "POST"), "body": text}).body
    with pytest.raises(UnicodeDecodeError):
        body.decode()


def test_parameters_of_the_path_are_read_and_none_is_needed() -> None:
    event = {**callback(URL), "pathParameters": {"token": "a token"}}
    assert read_request(event).path_parameters == {"token": "a token"}
    for without in (
        {**callback(URL), "pathParameters": None},
        {"requestContext": {"http": {"method": "GET"}}},
    ):
        assert read_request(without).path_parameters == {}
    assert read_request({"requestContext": {"http": {"method": "GET"}}}).query == {}


def test_the_query_is_read_from_the_raw_string_with_its_blanks() -> None:
    request = read_request(callback(f"{URL}&database=Xod%20School+Data&empty="))
    assert request.query == {"estab": "3281102", "database": "Xod School Data", "empty": ""}


def test_of_a_parameter_named_twice_the_last_is_read_and_the_signature_decides() -> None:
    assert read_request(callback(f"{URL}&estab=1")).query["estab"] == "1"


def test_a_query_without_end_carries_no_signature() -> None:
    query = "&".join(f"a{n}=1" for n in range(101))
    event = callback(f"https://a.example/callbacks/database?{query}")
    assert read_request(event).query == {}


@pytest.mark.parametrize(
    "added",
    [
        "?XodCompleted=True&trackingid=t1",
        "&XodCompleted=True?trackingid=t1",
        "?&XodCompleted=True?&trackingid=t1?",
        "??XodCompleted=True??trackingid=t1",
        "&amp;XodCompleted=True&amp;trackingid=t1",
    ],
)
def test_a_second_question_mark_begins_the_next_parameter(added: str) -> None:
    query = read_request(callback(URL + added)).query
    expected = {"estab": "3281102", "XodCompleted": "True", "trackingid": "t1"}
    assert {name: value for name, value in query.items() if name} == expected


@pytest.mark.parametrize(
    ("value", "read"),
    [("why?", "why"), ("Is it so? Yes.", "Is it so? Yes."), ("1%3F2", "1?2"), ("%E9", "\ufffd")],
)
def test_a_question_mark_within_a_value_stays_and_no_character_spoils_the_others(
    value: str, read: str
) -> None:
    query = read_request(callback(f"{URL}&message={value}&trackingid=t1")).query
    assert (query["message"], query["trackingid"]) == (read, "t1")


def test_a_request_does_not_show_its_body() -> None:
    secret = b"schoolSecret=0755658d"
    assert base64.b64encode(secret).decode() not in repr(read_request(callback(URL, body=secret)))
    assert "0755658d" not in repr(read_request(callback(URL, body=secret)))
