"""The table of schools inside the dashboard: the worst first, escaped, and bounded."""

import json
import re
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from tests.support.builders import (
    ESTAB,
    OTHER_ESTAB,
    dataset_table,
    of_a_later_version,
    stored_school,
)
from tests.support.moto_cloud import Cloud
from tests.support.records import lease, with_facts
from tests.support.template import ROOT
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso


def rows(html: str) -> list[list[str]]:
    """Return the text of every cell, row by row, without the head."""
    body = html.partition("<tbody>")[2]
    return [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]


def stored_datasets(cloud: Cloud, estab: str, **facts: object) -> None:
    """Let every configured dataset of the school be pulled a minute ago."""
    table, then = dataset_table(cloud), datetime.now(UTC) - timedelta(minutes=1)
    for name in configured():
        table.add_demand(estab, name, then)
        leased = lease(table, estab, name, then)
        assert leased
        at = {"checked_at": iso(then), "as_of": iso(then), "state": DatasetState.CURRENT}
        changes = {"lease_expires_at": "", "served": 1, **at, **facts}
        table.save(with_facts(leased, **changes), then)


def test_schools_in_trouble_come_first_and_erased_ones_last(cloud: Cloud) -> None:
    stored_school(cloud, "3280001", state=SchoolState.LIVE)
    stored_school(cloud, "3280002", state=SchoolState.LIVE)
    stored_school(cloud, "3280003", state=SchoolState.ERASED)
    stored_school(cloud, "3280004", state=SchoolState.PAUSED)
    stored_school(cloud, "3280005", state=SchoolState.REVOKED)
    stored_datasets(cloud, "3280001")
    stored_datasets(cloud, "3280002", as_of=iso(datetime.now(UTC) - timedelta(days=9)))
    stored_datasets(cloud, "3280002", checked_at=iso(datetime.now(UTC) - timedelta(days=9)))
    html = cloud.invoke("render_widget", {})
    assert [row[0].strip() for row in rows(html)] == [
        "3280005", "3280004", "3280002", "3280001", "3280003"
    ]  # fmt: skip
    stale = rows(html)[2]
    assert stale[1] == "\N{WARNING SIGN} live"
    assert "stale: XodAttendanceSummary, XodSchoolData" in stale[5]
    assert rows(html)[3][1] == "live"
    assert "1 min" in rows(html)[3][5]
    assert "5 of 5 schools" in html
    assert "2 live" in html


def test_a_school_that_only_a_later_version_can_read_hides_no_other(cloud: Cloud) -> None:
    for estab in (ESTAB, OTHER_ESTAB):
        stored_school(cloud, estab, state=SchoolState.LIVE)
    of_a_later_version(cloud, ESTAB)
    html = cloud.invoke("render_widget", {})
    assert {row[0].strip() for row in rows(html)} == {OTHER_ESTAB}


def test_a_name_that_is_html_stays_text(cloud: Cloud) -> None:
    stored_school(cloud, name="<script>alert('St Mary & co')</script>")
    html = cloud.invoke("render_widget", {})
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_large_fleet_is_shown_in_part_and_counted_whole(cloud: Cloud) -> None:
    stored_school(cloud, ESTAB)
    stored_school(cloud, OTHER_ESTAB)
    with mock.patch("functions.render_widget.handler._ROWS", 1):
        html = cloud.invoke("render_widget", {})
    assert len(rows(html)) == 1
    assert "1 of 2 schools" in html


def test_no_school_is_no_fault(cloud: Cloud) -> None:
    assert "0 of 0 schools" in cloud.invoke("render_widget", {})


@pytest.mark.parametrize("name", ["describe", "refresh"])
def test_the_example_events_are_answered(cloud: Cloud, name: str) -> None:
    path = ROOT / f"events/render_widget/widget__{name}.json"
    answer = cloud.invoke("render_widget", json.loads(path.read_text(encoding="utf-8")))
    assert answer["markdown"] if name == "describe" else answer.startswith("<p>")
