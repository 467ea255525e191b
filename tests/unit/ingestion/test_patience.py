from datetime import UTC, datetime, timedelta

import pytest

from xporter_bridge.errors import XporterUnavailableError
from xporter_bridge.ingestion.patience import Patience
from xporter_bridge.xporter.client import DATA_SECONDS
from xporter_bridge.xporter.http import TIMED_OUT


class Asking:
    """A clock, and answers that take a time or exceed the wait."""

    def __init__(self) -> None:
        self.patience, self.time = Patience(), datetime(2026, 11, 26, 3, tzinfo=UTC)
        self.waits: list[float] = []

    def ask(self, seconds: float, *, is_slow: bool = False) -> None:
        def request(within: float) -> None:
            self.waits.append(within)
            self.time += timedelta(seconds=min(seconds, within))
            if seconds > within:
                raise XporterUnavailableError(TIMED_OUT)

        self.patience.ask(request, is_slow=is_slow, now=lambda: self.time)


def test_at_first_a_school_may_take_the_usual_time() -> None:
    asking = Asking()
    for _ in range(5):
        asking.ask(0.3)
    assert asking.waits == [DATA_SECONDS] * 5
    assert asking.patience.seconds() == 5


def test_one_school_that_hangs_costs_seconds_and_changes_no_wait() -> None:
    asking = Asking()
    for _ in range(9):
        asking.ask(0.3)
    with pytest.raises(XporterUnavailableError):
        asking.ask(600)
    assert asking.waits[-1] == 5
    assert asking.patience.seconds() == 5


def test_where_all_schools_are_slow_the_wait_grows_to_the_usual_limit() -> None:
    asking = Asking()
    for _ in range(20):
        asking.ask(0.3)
    refused = 0
    for _ in range(40):
        try:
            asking.ask(20)
        except XporterUnavailableError:
            refused += 1
    assert refused < 20
    assert asking.patience.seconds() == DATA_SECONDS


def test_a_school_known_as_slow_has_the_usual_time_and_is_no_measure_for_others() -> None:
    asking = Asking()
    for _ in range(5):
        asking.ask(0.3)
    asking.ask(40, is_slow=True)
    assert asking.waits[-1] == DATA_SECONDS
    assert asking.patience.seconds() == 5


def test_an_error_that_came_at_once_is_no_measure() -> None:
    patience = Patience()

    def refuse(_: float) -> None:
        raise XporterUnavailableError("xporter_503")

    for _ in range(9):
        with pytest.raises(XporterUnavailableError):
            patience.ask(refuse, is_slow=False, now=lambda: datetime.now(UTC))
    assert patience.seconds() == DATA_SECONDS
