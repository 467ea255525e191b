"""docs/runbook.md names every alarm once: with its game day, or with the reason why it has none."""

import re

from tests.integration import test_game_days
from tests.support.game_day import ALARMS, COMPOSITES
from tests.support.template import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTION = RUNBOOK.split("## Which alarms have a game day\n")[1].split("\n## ")[0]
_, WITH, WITHOUT = re.split(r"(?m)^\| alarm.*$", SECTION)
RAISED = frozenset().union(
    *(getattr(each, "alarms", frozenset()) for each in vars(test_game_days).values())
)


def listed(table: str) -> list[str]:
    """Return the alarms that the first column of a table names."""
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return re.findall(r"`(\w+)`", " ".join(cells))


def test_every_alarm_is_listed_once() -> None:
    assert sorted(listed(WITH) + listed(WITHOUT)) == sorted({*ALARMS, *COMPOSITES})


def test_the_list_has_exactly_the_game_days_that_there_are() -> None:
    assert set(listed(WITH)) == RAISED


def test_every_row_says_what_is_done_or_why_nothing_is() -> None:
    rows = [line for line in SECTION.splitlines() if line.startswith("| `")]
    assert rows
    assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1])
