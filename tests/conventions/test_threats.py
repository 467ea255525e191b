"""`docs/security.md` names for each threat a test that exists, or says why it is accepted."""

import re

import pytest

from tests.conventions.test_ends_of_stores import exists
from tests.support.template import ROOT

ROWS = [
    line.strip("|").split("|")
    for line in (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [STRIDE] \|", line)
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip())
def test_a_threat_is_held_by_tests_that_exist_or_accepted_with_a_reason(row: list[str]) -> None:
    _, _, held = row
    named = re.findall(r"`((?:unit|integration|conventions|tools|e2e)/[^`]+)`", held)
    missing = [test for test in named if not exists(test)]
    assert not missing
    assert named or re.match(r" accepted[^:]*: .{20,}", held)


def test_every_letter_has_threats() -> None:
    assert {row[0].strip() for row in ROWS} == set("STRIDE")
