"""The table of schools inside the dashboard: the worst first, escaped, and bounded."""

import json
import re
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from unittest import mock

import pytest

from functions.render_widget import handler
from functions.render_widget.request import HOLDS, WidgetRequest
from tests.support.builders import (
    ESTAB,
    NOW,
    OTHER_ESTAB,
    dataset_table,
    of_a_later_version,
    stored_school,
)
from tests.support.many_schools import ManySchools
from tests.support.moto_cloud import Cloud
from tests.support.records import lease, with_facts
from tests.support.template import ROOT
from xporter_bridge.api.fleet_overview import FleetReader
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository, stored_form
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.trouble import Trouble
from xporter_bridge.schools.trouble_index import IndexNotReadyError
from xporter_bridge.timestamps import iso


def rows(html: str) -> list[list[str]]:
    """Return the text of every cell, row by row, without the head."""
    body = re.sub(r"<cwdb-action.*?</cwdb-action>", "", html.partition("<tbody>")[2])
    return [
        [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def actions(html: str) -> list[dict[str, str]]:
    """Return what each button asks for when it is pressed."""
    found = re.findall(r"</button><cwdb-action [^>]*>(.*?)</cwdb-action>", html)
    assert len(found) == html.count("<button")
    return [json.loads(unescape(each)) for each in found]


def asking(**form: str) -> dict[str, object]:
    return {"widgetContext": {"params": {}, "forms": {"all": form}}}


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


def hold(
    cloud: Cloud, estab: str, dataset: str, reasons: tuple[str, ...] = ("Students: 30 of 99 rows",)
) -> None:
    """Hold a change of a dataset, and note the trouble with its school."""
    table = dataset_table(cloud)
    table.add_demand(estab, dataset, NOW)
    leased = lease(table, estab, dataset, datetime.now(UTC))
    assert leased
    facts = {"reasons": reasons, "expires_at": iso(datetime.now(UTC) + timedelta(days=5))}
    held = with_facts(leased, state=DatasetState.HELD, hold=facts)
    table.save(with_facts(held, lease_expires_at=""), NOW)


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
    assert "5 schools, 1 in trouble" in html
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


def test_troubled_schools_are_paged_the_worst_first(cloud: Cloud) -> None:
    for number in range(5):
        stored_school(cloud, f"328000{number}", data_trouble=Trouble(10 * number, NOW))
    stored_school(cloud, "3289999")
    with mock.patch("functions.render_widget.handler._ROWS", 2):
        seen, event = [], {}
        while True:
            html = cloud.invoke("render_widget", event)
            seen.append([row[0].strip() for row in rows(html)])
            following = [each for each in actions(html) if each.get("cursor")]
            if not following:
                break
            event = {**asking(q="typed, and not sent"), **following[0]}
    assert seen == [["3280004", "3280003"], ["3280002", "3280001"], ["3280000"]]


def test_a_search_and_a_state_select_schools_and_a_button_shows_all_again(cloud: Cloud) -> None:
    stored_school(cloud, "3280001", name="Oak Primary", state=SchoolState.PAUSED)
    stored_school(cloud, "3280002", name="St Mary's", state=SchoolState.REVOKED)
    for form, expected in (
        ({"q": "oak"}, ["3280001"]),
        ({"q": "3280002"}, ["3280002"]),
        ({"state": "paused"}, ["3280001"]),
        ({"state": "troubled"}, ["3280002"]),
        ({"state": "asleep"}, ["3280002", "3280001"]),
        ({"q": "nowhere"}, []),
    ):
        html = cloud.invoke("render_widget", asking(**form))
        assert [row[0].split()[0] for row in rows(html)] == expected, form
    all_ = next(each for each in actions(html) if each.get("q") == "")
    assert len(rows(cloud.invoke("render_widget", {**asking(q="oak"), **all_}))) == 2


def test_a_school_has_a_page_with_its_holds_and_the_command_that_decides(cloud: Cloud) -> None:
    stored_school(cloud, name="<b>Oak</b>", state_since=NOW)
    reasons = ("Students: 300 of 1000 rows deleted", "<i>: 9 of 99 rows deleted")
    stored_datasets(cloud, ESTAB)
    hold(cloud, ESTAB, "students", reasons)
    html = cloud.invoke("render_widget", {"estab": ESTAB})
    assert "1 dataset waits for your decision: 300 of 1000 pupils deleted." in html
    assert "Students: 300 of 1000 rows deleted; &lt;i&gt;: 9 of 99 rows deleted" in html
    assert f"<code>xporter-bridge hold approve {ESTAB} students</code>" in html
    assert "<b>" not in html
    assert {"q": "", "state": "", "estab": "", "view": ""} in actions(html)
    assert "no such school" in cloud.invoke("render_widget", {"estab": OTHER_ESTAB})


# -- every held change


def held_school(cloud: Cloud, estab: str, *datasets: str, rank: int = 40) -> None:
    stored_school(cloud, estab, name="Oak & Elm", data_trouble=Trouble(rank, NOW))
    for dataset in datasets:
        hold(cloud, estab, dataset, (f"{dataset}: 30 of 99 rows deleted",))


def test_every_held_change_is_on_one_page_with_its_counts_and_commands(cloud: Cloud) -> None:
    held_school(cloud, "3280001", "students", "contacts")
    held_school(cloud, "3280002", "students", rank=50)
    stored_school(cloud, "3280003", state=SchoolState.REVOKED)
    stored_school(cloud, "3280004")
    html = cloud.invoke("render_widget", {"view": "holds"})
    assert [(row[0].split()[0], row[1]) for row in rows(html)] == [
        ("3280002", "students"), ("3280001", "contacts"), ("3280001", "students")
    ]  # fmt: skip
    first = rows(html)[0]
    assert first[0] == "3280002 Oak &amp; Elm"
    assert first[2] == "students: 30 of 99 rows deleted"
    assert first[4] in {"4 days", "5 days"}
    assert "hold approve 3280002 students" in first[5]
    assert "hold reject 3280002 students" in first[5]
    assert "3 held changes of 2 schools: 2 students, 1 contacts." in html
    assert {"estab": "3280001"} in actions(html)
    assert {"view": "holds"} in actions(cloud.invoke("render_widget", {}))


def test_without_a_held_change_the_page_says_so_and_leads_back(cloud: Cloud) -> None:
    stored_school(cloud, "3280003", state=SchoolState.REVOKED)
    event = {"view": "holds", "widgetContext": {"params": {"view": "holds"}}}
    html = cloud.invoke("render_widget", event)
    assert "Nothing is held." in html
    (back,) = actions(html)
    fleet = cloud.invoke("render_widget", {**event, **back})
    assert [row[0].strip() for row in rows(fleet)] == ["3280003"]


def test_held_changes_are_paged_and_a_look_for_them_is_bounded(cloud: Cloud) -> None:
    for number in range(6):
        school = f"328000{number}"
        held_school(cloud, school, *(["staff"] if number < 2 else []), rank=10 * number)
    with (
        mock.patch("functions.render_widget.handler._ROWS", 1),
        mock.patch("xporter_bridge.api.fleet_overview._MOST_PAGES", 2),
    ):
        seen, event = [], {"view": "holds"}
        while True:
            html = cloud.invoke("render_widget", event)
            seen.append([row[0].split()[0] for row in rows(html)])
            following = [each for each in actions(html) if each.get("cursor")]
            if not following:
                break
            event = following[0]
    assert seen == [[], [], ["3280001"], ["3280000"]]


def test_a_school_with_many_held_changes_fills_no_page(cloud: Cloud) -> None:
    names = [f"attendance-2026-11-{day:02d}" for day in range(1, 14)]
    held_school(cloud, "3280001", *names)
    shown = rows(cloud.invoke("render_widget", {"view": "holds"}))
    assert len(shown) == 11
    assert shown[-1][1] == "3 more"


def test_a_cursor_of_another_page_begins_the_held_changes_anew(cloud: Cloud) -> None:
    held_school(cloud, "3280001", "students")
    html = cloud.invoke("render_widget", {"view": "holds", "cursor": "bm9uc2Vuc2U"})
    assert len(rows(html)) == 1


def test_while_the_index_is_made_nobody_is_told_that_nothing_is_held(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexNotReadyError("index_not_ready")

    held_school(cloud, "3280001", "students")
    monkeypatch.setattr(SchoolRepository, "troubled", fail)
    html = cloud.invoke("render_widget", {"view": "holds"})
    assert "is being made" in html
    assert "Nothing is held" not in html


def test_the_page_is_accessible_has_no_script_and_no_raw_time(cloud: Cloud) -> None:
    stored_school(cloud, state_since=NOW, data_trouble=Trouble(40, NOW))
    stored_datasets(cloud, ESTAB)
    hold(cloud, ESTAB, "students")
    for event in ({}, {"estab": ESTAB}, {"view": "holds"}):
        html = cloud.invoke("render_widget", event)
        assert re.search(r"<h2>.*?</h2>", html)
        assert html.count("<table>") == html.count("<caption>") > 0
        assert not re.search(r"<th(?! scope=\"(col|row)\")[ >]", html)
        assert not re.search(r"<(script|iframe|img|link)|\son\w+=|style=|color", html)
        for control in re.findall(r"<(?:input|select)[^>]*>", html):
            label = html.rpartition(control)[0].rpartition("<label>")[2]
            assert re.match(r"[\w ]+", label), control
        seen = re.sub(r"<time [^>]*>|<cwdb-action.*?</cwdb-action>", "", html)
        assert not re.search(r"\d{4}-\d\d-\d\dT", seen)


def test_what_a_person_types_into_the_search_stays_text(cloud: Cloud) -> None:
    typed = '"><script>alert(1)</script></cwdb-action>'
    html = cloud.invoke("render_widget", asking(q=typed))
    assert "<script" not in html
    assert f'value="{escape(typed)}"' in html


def test_a_widget_of_the_dashboard_may_begin_with_its_own_parameters(cloud: Cloud) -> None:
    stored_school(cloud, "3280001", state=SchoolState.PAUSED)
    stored_school(cloud, "3280002", state=SchoolState.REVOKED)
    event = {"state": "paused", "widgetContext": {"params": {"state": "paused"}}}
    assert [row[0].split()[0] for row in rows(cloud.invoke("render_widget", event))] == ["3280001"]


def large_fleet(
    monkeypatch: pytest.MonkeyPatch, troubled: Iterable[tuple[int, int]]
) -> ManySchools:
    """Let the widget read 25,000 schools, some of which are in trouble of a rank."""
    schools = [
        School(f"{3000000 + n}", SchoolState.LIVE, scopes=("Student",)) for n in range(25_000)
    ]
    for number, rank in troubled:
        schools[number] = replace(schools[number], data_trouble=Trouble(rank, NOW))
    fleet = ManySchools(
        map(stored_form, schools),
        {"by_state": ("state", "due_at"), "by_trouble": ("trouble_shard", "trouble")},
    )
    reader = FleetReader(
        SchoolRepository(fleet, "schools"),
        DatasetRepository(fleet, "datasets", configured()),
        configured(),
    )
    monkeypatch.setattr(handler, "reader", lambda: reader)
    return fleet


def test_a_look_for_held_changes_of_25000_schools_reads_some_pages_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = large_fleet(monkeypatch, ((number, 50) for number in range(5_000)))
    began = time.perf_counter()
    html = handler.show(WidgetRequest(view=HOLDS), "arn", NOW)
    assert time.perf_counter() - began < 1
    assert "None on this page." in html
    assert [each["view"] for each in actions(html) if each.get("cursor")] == [HOLDS]
    looked_at = 4 * handler._ROWS
    assert fleet.calls["get_item"] == 2 * looked_at  # for the page, and for what is shown
    assert fleet.calls["query"] <= looked_at + 4 * 17


def test_three_in_trouble_of_25000_come_first_in_under_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = large_fleet(monkeypatch, ((24_999, 50), (12_345, 80), (7, 20)))
    began = time.perf_counter()
    html = handler.show(WidgetRequest(), "arn", NOW)
    took_seconds = time.perf_counter() - began
    assert [row[0].strip() for row in rows(html)[:3]] == ["3012345", "3024999", "3000007"]
    assert "25000 schools, 3 in trouble" in html
    assert took_seconds < 1
    # CloudWatch waits for the calls of AWS, some milliseconds each, 16 at once where it matters.
    assert fleet.calls["query"] <= 35 + handler._ROWS
    assert fleet.calls["get_item"] <= 3 + handler._ROWS
    assert len(html.encode()) < 128 * 1024


@pytest.mark.parametrize("name", ["describe", "holds", "refresh"])
def test_the_example_events_are_answered(cloud: Cloud, name: str) -> None:
    path = ROOT / f"events/render_widget/widget__{name}.json"
    answer = cloud.invoke("render_widget", json.loads(path.read_text(encoding="utf-8")))
    assert answer["markdown"] if name == "describe" else "<h2>" in answer
