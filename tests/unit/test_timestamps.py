from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xporter_bridge.timestamps import iso, parse

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-04-17T09:34:46.402555Z", datetime(2021, 4, 17, 9, 34, 46, 402555, UTC)),
        ("2018-06-24T18:55:26.1852229Z", datetime(2018, 6, 24, 18, 55, 26, 185222, UTC)),
        ("2018-06-20T02:25:06.223", datetime(2018, 6, 20, 2, 25, 6, 223000, UTC)),
        ("2018-06-12T02:07:21.03", datetime(2018, 6, 12, 2, 7, 21, 30000, UTC)),
        ("2017-05-11T00:00:00", datetime(2017, 5, 11, tzinfo=UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        (" 2026-11-24T03:00:00+01:00 ", datetime(2026, 11, 24, 2, tzinfo=UTC)),
    ],
)
def test_every_form_that_xporter_writes_is_read_as_utc(text: str, moment: datetime) -> None:
    assert parse(text) == moment


@pytest.mark.parametrize("text", ["", "None", "yesterday", "2026-13-01T00:00:00Z", "1718"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_times_are_written_in_utc_whatever_their_zone() -> None:
    local = datetime(2026, 7, 1, 4, 0, tzinfo=timezone(timedelta(hours=1)))
    assert iso(local) == "2026-07-01T03:00:00.000Z"


@given(MOMENTS, MOMENTS)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (parse(iso(one)) < parse(iso(other)))


@given(MOMENTS)
def test_what_is_written_is_read_back_to_the_millisecond(moment: datetime) -> None:
    assert timedelta() <= moment - parse(iso(moment)) < timedelta(milliseconds=1)
