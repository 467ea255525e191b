"""Whatever Xporter answers, up to the rows that are stored and the marks that are looked for.

A document nested deeply is read by every JSON reader, and written by none: it was an unhandled
error wherever a parser made a text of a value.
"""

from __future__ import annotations

import contextlib
import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzz import few_or_many
from tests.unit.test_hostile_answers import BYTES, CALLS, DOCUMENTS, NAMES, SCALARS, WORDS
from tools.operator.errors import OperatorError
from tools.operator.management import Management
from xporter_bridge import exact_json
from xporter_bridge.availability.read_callback import read_statuses
from xporter_bridge.callbacks.bodies import fields_of
from xporter_bridge.errors import ContractError, SecretRefusedError, XporterBridgeError
from xporter_bridge.onboarding.payloads import read_authentication
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.snapshots.encode_rows import InexactError, rendered
from xporter_bridge.timestamps import iso, parse
from xporter_bridge.writebacks.model import ReadBackResult, WritebackKind
from xporter_bridge.writebacks.read_back import compare
from xporter_bridge.writebacks.read_callback import read_outcome
from xporter_bridge.xporter.client import Token, TokenDetails, XporterApi, check_response
from xporter_bridge.xporter.gzip import TooLargeError, UnreadableError, unpack
from xporter_bridge.xporter.http import HttpResponse
from xporter_bridge.xporter.pages import read_page
from xporter_bridge.xporter.people import PersonKind

quick = few_or_many(40)
COLUMNS = NAMES | st.sampled_from([
    "StudentId", "StudentIds", "ConductId", "PersonType", "PersonId", "Points", "Date", "Session",
    "Mark", "Type", "MarkType", "Category", "Description", "InstanceId",
])  # fmt: skip
VALUES = (
    SCALARS
    | DOCUMENTS
    | st.sampled_from(
        ["PL-9919", "9919", "2026-11-24T00:00:00Z", "24/11/2026", "/Date(1)", "AM", "1.50", "1e999"]
    )
)
ROWS = st.lists(st.dictionaries(COLUMNS, VALUES, max_size=6), max_size=4)
HEADERS = st.dictionaries(st.just("Retry-After"), WORDS | st.text(max_size=12), max_size=1)
MARK = {"StudentId": "PL-9919", "MarkType": "S", "Date": "2026-11-24", "Session": "AM", "Mark": "L"}
CONDUCT = {
    "Id": "1", "EntryDate": "2026-11-24T09:00:00", "IncidentType": "ACH", "Note": "a note",
}  # fmt: skip
BODIES = {
    WritebackKind.ATTENDANCE: {"Marks": [MARK]},
    WritebackKind.LESSON_ATTENDANCE: {"Marks": [{**MARK, "MarkType": "L", "InstanceId": "46297"}]},
    WritebackKind.CONDUCT: {
        "Conducts": [CONDUCT],
        "Participants": [{"ConductId": "1", "StudentId": "9919", "Points": "1"}],
    },
}
# Python stops at a thousand levels, less those of the caller; orjson writes 254.
DEPTHS = (1, 20, 200, 253, 254, 255, 300, 480, 500, 700, 900, 960, 990, 1010, 5000)
SHAPES = ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"))


class Answers:
    """An HTTP client that has one answer to everything."""

    def __init__(self, answer: HttpResponse) -> None:
        self._answer = answer

    def send(self, *_: Any, **__: Any) -> HttpResponse:
        return self._answer


def api(answer: HttpResponse) -> XporterApi:
    made = XporterApi("https://xporter.example")
    made._http = Answers(answer)  # type: ignore[assignment]
    return made


def nested(depth: int, shape: tuple[bytes, bytes]) -> bytes:
    return shape[0] * depth + b"1" + shape[1] * depth


@quick
@given(st.integers(100, 599), HEADERS, BYTES)
def test_an_answer_is_a_document_or_an_error_of_ours(
    status: int, headers: dict[str, str], content: bytes
) -> None:
    for call in CALLS:
        with contextlib.suppress(XporterBridgeError):
            assert isinstance(check_response(call, status, headers, content), dict)


@quick
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_a_token_and_its_details_are_read_or_refused(document: dict[str, Any]) -> None:
    with contextlib.suppress(TypeError):  # what JSON cannot hold, no answer holds
        client = api(HttpResponse(200, {}, exact_json.dumps({"token": "a", **document})))
        with contextlib.suppress(XporterBridgeError):
            token = client.get_token("3281102", "live.example.app", "a secret")
            assert isinstance(token, Token)
            assert token.expires_at > datetime.now(UTC)
        with contextlib.suppress(XporterBridgeError):
            assert isinstance(client.token_details("a"), TokenDetails)


@quick
@given(ROWS)
def test_rows_of_any_form_are_stored_or_refused(rows: list[dict[str, Any]]) -> None:
    people = OpenedPeople(b"key", frozenset({OpenedPeople(b"key", frozenset()).digest(ANYBODY)}))
    with contextlib.suppress(XporterBridgeError, TypeError, InexactError):
        page = read_page({"Students": rows, "meta": [{"Id": 1}]})
        kept = [
            each for row in page.tables["Students"] if (each := people.allowed("Students", row))
        ]
        block = rendered(kept, "Id")
        assert (block.rows if block else 0) <= len(rows)


ANYBODY = (PersonKind.PUPIL, "9919")


@quick
@given(st.sampled_from(WritebackKind), ROWS, ROWS)
def test_what_the_mis_shows_of_a_writeback_is_counted_or_refused(
    kind: WritebackKind, rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    tables = {"Conducts": rows, "StudentConducts": others, "Attendance": rows}
    with contextlib.suppress(XporterBridgeError):
        page = read_page({**tables, "meta": [{"Id": 1, "DateTime": "2026-11-24T12:00:00"}]})
        assert isinstance(compare(kind, BODIES[kind], page), ReadBackResult)


@quick
@given(st.text(max_size=40) | WORDS)
def test_a_time_is_a_moment_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError, OverflowError):
        assert parse(iso(parse(text)))


@quick
@given(
    BYTES | BYTES.map(gzip.compress) | BYTES.map(lambda data: gzip.compress(data)[:-3]),
    st.sampled_from(["", "gzip", "deflate", "gzip, deflate", "x-gzip", "utf-8", "br"]),
)
def test_packed_answers_are_unpacked_or_refused(data: bytes, encoding: str) -> None:
    with contextlib.suppress(UnreadableError, TooLargeError):
        assert isinstance(unpack(data, encoding, most_bytes=10_000), bytes)


@quick
@given(st.integers(200, 299), BYTES)
def test_the_schools_of_an_application_are_listed_or_refused(status: int, content: bytes) -> None:
    with contextlib.suppress(OperatorError):
        found = management(status, content).authorised_schools("live.example.app")
        assert all(isinstance(each, str) for each in found)


def management(status: int, content: bytes) -> Management:
    class Http:
        def request(self, *_: Any, **__: Any) -> requests.Response:
            answer = requests.Response()
            answer.status_code, answer._content = status, content
            return answer

    made = Management("https://xporter.example")
    made._http = Http()  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_callback_nested_deeply_is_read_or_refused(
    depth: int, shape: tuple[bytes, bytes]
) -> None:
    deep = nested(depth, shape)
    for body in (
        b'{"schoolSecret":%b,"schoolId":"3281102","partnerId":"x"}' % deep,
        b'{"schoolSecret":"a","schoolId":%b,"partnerId":"x","installed":%b}' % (deep, deep),
    ):
        with pytest.raises(XporterBridgeError):
            read_authentication(fields_of(body))
    for body in (
        b'{"XodCompleted":%b}' % deep,
        b'{"XodCompleted":0,"Message":%b,"trackingid":%b}' % (deep, deep),
        b'{"XodCompleted":1,"result":[{"incidentid":%b,"actualid":1}]}' % deep,
        b'{"Status":%b,"Name":%b}' % (deep, deep),
        b'{"DbStatus":[%b]}' % deep,
    ):
        with contextlib.suppress(XporterBridgeError):
            read_outcome({}, body)
        with contextlib.suppress(XporterBridgeError):
            read_statuses(body)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_an_answer_nested_deeply_is_read_or_refused(depth: int, shape: tuple[bytes, bytes]) -> None:
    deep = nested(depth, shape)
    for name in (b"ExceptionMessage", b"Estab", b"AuthorisationPaused", b"TrackingId", b"Scopes"):
        for call in CALLS:
            with contextlib.suppress(XporterBridgeError):
                check_response(call, 200, {}, b'{"%b":%b,"token":"a"}' % (name, deep))
    for body in (b'{"token":"a","expires":%b}' % deep, b'{"token":%b}' % deep):
        with contextlib.suppress(XporterBridgeError):
            assert api(HttpResponse(200, {}, body)).get_token("3281102", "x", "y").value == "a"
    with contextlib.suppress(OperatorError):
        management(200, b'{"tokens":[{"estab":%b}]}' % deep).authorised_schools("x")


def test_a_refused_secret_may_have_any_form_of_reason() -> None:
    deep = nested(900, SHAPES[1])
    with pytest.raises(SecretRefusedError):
        api(HttpResponse(200, {}, b'{"ExceptionMessage":%b}' % deep)).get_token("3281102", "x", "y")


@pytest.mark.parametrize("depth", [300, 900])
@pytest.mark.parametrize("name", ["Id", "StudentId", "Points", "Date", "Mark", "Category"])
def test_rows_nested_deeply_are_no_proof_of_a_writeback(name: str, depth: int) -> None:
    row = exact_json.loads(b'{"%b":%b}' % (name.encode(), nested(depth, SHAPES[1])))
    for kind, body in BODIES.items():
        tables = {"Conducts": [row], "StudentConducts": [row], "Attendance": [row]}
        assert compare(kind, body, read_page({**tables, "meta": [{"Id": 1}]})).found == 0


def test_pages_nested_deeply_are_read_or_refused() -> None:
    for shape in SHAPES:
        for place in ("__ChangedRows__", "__Pagination__", "meta", "__DBStatus__", "Students"):
            deep = nested(900, shape)
            text = b'{"%b":[{"DateTime":%b,"NextChangedRows":%b}]}' % (place.encode(), deep, deep)
            with contextlib.suppress(ContractError, ValueError):
                read_page(exact_json.loads(text))
