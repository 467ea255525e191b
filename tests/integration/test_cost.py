"""docs/cost.md is made of calls that the code makes, counted once more here."""

import json
from typing import Any

import pytest

from tests.support.simulated_day import counted
from tests.support.write_cost import PAGE
from tests.support.xporter import Xporter
from tools.cost.card import card
from tools.cost.model import COUNTS, Facts

# Logged durations and ids have more digits or fewer, and a slow machine renews a lease once more.
ABOUT = (
    "log_bytes",
    "s3_bytes",
    "table_bytes",
    "dynamodb_writes",
    "dynamodb_reads",
    "sqs_requests",
)
AGAIN = "run `make cost`, and look at what has become dearer"


def _requests(counts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in used.items() if key not in ABOUT}
        for name, used in counts["activities"].items()
    }


def test_a_simulated_day_makes_the_calls_that_are_written_down(aws: None, xporter: Xporter) -> None:
    found, written = counted(xporter), json.loads(COUNTS.read_text())
    assert _requests(found) == _requests(written), AGAIN
    for name, used in found["activities"].items():
        about = {key: value for key, value in used.items() if key in ABOUT}
        expected = {
            key: value for key, value in written["activities"][name].items() if key in ABOUT
        }
        # A process reads the item of the breaker anew after ten seconds: one read more or less.
        assert about == pytest.approx(expected, rel=0.1, abs=1), f"{name}: {AGAIN}"
    assert {key: value for key, value in found.items() if key != "activities"} == {
        key: value for key, value in written.items() if key != "activities"
    }, AGAIN


def test_the_page_is_what_the_counts_and_prices_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == card(Facts.read()), AGAIN
