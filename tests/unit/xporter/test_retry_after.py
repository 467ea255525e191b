"""For how long to wait, whatever a Retry-After says."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xporter_bridge.xporter.retry_after import MAX_SECONDS, seconds_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5), (" 5 ", 5), ("+5", 5), ("0", 0), ("1.5", 1), ("120, 60", 120), ("007", 7),
        ("-5", 0), ("-999999999999", 0), ("-0", 0),
        ("9" * 30, 3600), ("9" * 5_000, 3600), ("3601", 3600),
        ("Tue, 24 Nov 2026 03:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 03:01:00", 60),
        ("Tue, 24 Nov 2026 03:01:00 -0000", 60),
        ("Tue, 24 Nov 2026 04:01:00 +0100", 60),
        ("Tuesday, 24-Nov-26 03:01:00 GMT", 60),
        ("Tue Nov 24 03:01:00 2026", 60),
        ("2026-11-24T03:01:00Z", 60),
        ("2026-11-24T03:01:00", 60),
        ("2026-11-24 03:01", 60),
        ("Mon, 23 Nov 2026 03:01:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("0001-01-01T00:00:00", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 3600),
        ("9999-12-31T23:59:59-23:59", 3600),
    ],
)  # fmt: skip
def test_a_number_or_a_date_is_a_wait_within_bounds(header: str, seconds: float) -> None:
    assert seconds_of(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        "", "soon", "nan", "inf", "-inf", "1e400", "5s", "Tue, 99 Nov 2026 03:01:00 GMT",
        "Tue, 24 Foo 2026 03:01:00 GMT", "Tue, 24 Nov 2026 99:99:99 GMT", "null", "\0", "\uff15",
    ],
)  # fmt: skip
def test_what_is_neither_says_nothing(header: str) -> None:
    assert seconds_of(header, NOW) is None


@pytest.mark.parametrize(
    "header",
    [
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Tue, 24 Nov 2026 03:01:00 +9999999999999999",
        "Tue, 24 Nov 2026 999999999999999999999:00:00 GMT",
        "99999-01-01T00:00:00Z",
    ],
)
def test_a_date_beyond_any_calendar_is_no_exception(header: str) -> None:
    assert seconds_of(header, NOW) in {None, 0.0, MAX_SECONDS}


@given(st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{2}, \d+ (Nov|Dec) \d+ \d+:\d+:\d+ .*")))
def test_no_header_raises_or_leaves_the_bounds(header: str) -> None:
    seconds = seconds_of(header, NOW)
    assert seconds is None or 0 <= seconds <= MAX_SECONDS
