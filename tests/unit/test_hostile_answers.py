"""Whatever Xporter, or somebody in its place, answers: read, or refused by an error of ours."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzz import few_or_many
from xporter_bridge import exact_json
from xporter_bridge.availability.db_status import is_ready, statuses_in
from xporter_bridge.availability.read_callback import read_statuses
from xporter_bridge.callbacks.bodies import fields_of, truth_of
from xporter_bridge.callbacks.request import read_request
from xporter_bridge.casing import fold_keys
from xporter_bridge.errors import XporterBridgeError
from xporter_bridge.onboarding.payloads import read_authentication
from xporter_bridge.writebacks.read_callback import parse_subject, read_outcome
from xporter_bridge.xporter import envelopes
from xporter_bridge.xporter.envelopes import Meaning
from xporter_bridge.xporter.pages import Page, has_tables, read_page
from xporter_bridge.xporter.retry_after import seconds_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
quick = few_or_many(60)
# Names and words that a parser looks for, so that what is invented gets past its first look.
NAMES = st.sampled_from([
    "meta", "Meta", "Pagination", "ChangedRows", "NextChangedRows", "Deletions", "Students",
    "DBStatus", "Status", "Database", "token", "expires", "Estab", "Scopes", "RelyingParty",
    "AuthorisationPaused", "ExceptionMessage", "Message", "InnerException", "DateTime", "RowCount",
    "PageCount", "PageSize", "TrackingId", "XodCompleted", "Results", "Id", "schoolSecret",
    "schoolId", "partnerId", "",
])  # fmt: skip
WORDS = st.sampled_from(
    ["OK", "*", "true", "3281102", "2026-11-24T02:25:06.223", "[]", "{", "1e999"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=6), inner, max_size=5)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES | st.text(max_size=6), DOCUMENTS, max_size=6)
BYTES = st.binary(max_size=120) | OBJECTS.map(lambda made: exact_json.dumps(_finite(made)))
CALLS = (
    envelopes.GET_TOKEN,
    envelopes.TOKEN_DETAILS,
    envelopes.REGISTER_WEBHOOK,
    envelopes.WRITE,
    envelopes.data_call(frozenset({"students"}), with_callback=True),
    envelopes.data_call(frozenset(), with_callback=False),
)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            str(name).encode("utf-8", "replace").decode(): _finite(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_finite(each) for each in value]
    if isinstance(value, float):
        return 1.5
    if isinstance(value, int) and not isinstance(value, bool):
        return value % 10**18
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@quick
@given(BYTES)
def test_bytes_are_json_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        exact_json.loads(data)
    assert isinstance(exact_json.mended(data), bytes)


@quick
@given(OBJECTS, st.integers(100, 599))
def test_an_answer_of_any_form_has_a_meaning(document: dict[str, Any], status: int) -> None:
    body = fold_keys(document)
    for call in CALLS:
        assert isinstance(envelopes.meaning_of(call, status, body), Meaning)
    assert isinstance(envelopes.exception_of(body), str)
    assert isinstance(envelopes.estab_in(body), str)
    assert envelopes.scopes_in(body) is None or isinstance(envelopes.scopes_in(body), tuple)


@quick
@given(OBJECTS)
def test_a_page_of_any_form_is_read_or_refused(document: dict[str, Any]) -> None:
    has_tables(document)
    try:
        page = read_page(document)
    except XporterBridgeError:
        return
    assert isinstance(page, Page)


@quick
@given(DOCUMENTS, BYTES)
def test_statuses_of_any_form_are_pairs_of_words(document: Any, body: bytes) -> None:
    statuses = statuses_in(document)
    assert all(isinstance(name, str) and isinstance(word, str) for name, word in statuses)
    assert isinstance(is_ready(statuses), bool)
    with contextlib.suppress(XporterBridgeError):
        read_statuses(body)


@quick
@given(st.dictionaries(st.text(max_size=14) | NAMES, st.text(max_size=14) | WORDS), BYTES)
def test_an_outcome_of_any_form_is_read_or_refused(query: dict[str, str], body: bytes) -> None:
    with contextlib.suppress(XporterBridgeError):
        outcome = read_outcome(query, body)
        assert isinstance(outcome.is_completed, bool)
    for text in query.values():
        parse_subject(text)


@quick
@given(BYTES | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_an_authentication_of_any_form_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(XporterBridgeError):
        said = read_authentication(fields_of(body))
        assert said.estab.isdigit()
        assert said.school_name.isprintable() or said.school_name == ""


@quick
@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_a_call_of_any_form_is_read_or_refused(query: str, body: str, is_base64: bool) -> None:
    event = {
        "requestContext": {"http": {"method": "POST"}},
        "rawQueryString": query,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    request = read_request(event)
    with contextlib.suppress(XporterBridgeError):
        assert isinstance(request.body, bytes)


@quick
@given(st.text(max_size=40), DOCUMENTS)
def test_a_wait_is_a_bounded_number_and_a_truth_is_one_or_none(text: str, value: Any) -> None:
    seconds = seconds_of(text, NOW)
    assert seconds is None or 0 <= seconds < 10**7
    assert truth_of(value) in {True, False, None}
