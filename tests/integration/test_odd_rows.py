"""Rows, pages and change sets as schools and Xporter really send them, and what is kept of them."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from functions.render_widget.request import WidgetRequest
from functions.render_widget.table import render
from tests.support.builders import ESTAB
from tests.support.pull_world import DATA, World, configure, in_memory
from tests.support.records import lease, with_facts
from tests.support.xporter import Xporter
from tools.simulator.service.scopes import ALL
from xporter_bridge.api.fleet_overview import FleetOverview, is_troubled
from xporter_bridge.api.presenters import present_school
from xporter_bridge.api.schemas import SchoolView
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.pulls import freshness
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter.endpoints import find

STUDENTS, TABLE = "students", "Students"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xporter_bridge.xporter.client._QUICK_RETRY_SECONDS", 0)
    monkeypatch.setattr(fetching, "PAGE_SIZE", 10)


@pytest.fixture
def world(xporter: Xporter) -> World:
    """A school that is live, with its pupils not pulled yet."""
    return World(in_memory(), xporter, students=30)


def pulled(world: World, name: str = STUDENTS) -> list[str]:
    """Pull until nothing happens any more; return the ``changedRows`` of each page 1 asked for."""
    before = len(world.pages_asked())
    world.ask(name)
    world.settle()
    resource = f"/{configured()[name].endpoint.resource}".lower()
    asked = [each for each in world.xporter.requests() if "/school/" in each["path"].lower()]
    queries = [parse_qs(e["query"]) for e in asked[before:] if e["path"].lower().endswith(resource)]
    return [query["changedRows"][0] for query in queries if query["page"] == ["1"]]


def shown(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows as texts that can be compared, each once."""
    return sorted({json.dumps(row) for row in rows})


def kept(world: World, name: str = STUDENTS, table: str = TABLE) -> list[str]:
    """Return the rows of the snapshot; none may be there twice."""
    rows = world.rows(world.latest(name)["tables"][table]["snapshot_key"])
    assert len(shown(rows)) == len(rows) == world.latest(name)["tables"][table]["rows"]
    return shown(rows)


def followed(world: World, name: str = STUDENTS) -> dict[str, list[str]]:
    """Follow the change files from the first on, as docs/data.md says."""
    tables: dict[str, dict[str, Any]] = {}
    for number in range(1, world.item(name).published.sequence + 1):
        document = json.loads(world.aws.objects(DATA)[DatasetLayout(ESTAB, name).manifest(number)])
        for table, facts in document["tables"].items():
            rows = {identity(row, facts): row for row in tables.get(table, {}).values()}
            for row in world.rows(facts["deletes_key"]):
                del rows[identity(row, facts)]
            rows |= {identity(row, facts): row for row in world.rows(facts["upserts_key"])}
            tables[table] = rows
    return {table: shown(list(rows.values())) for table, rows in tables.items()}


def identity(row: dict[str, Any], facts: dict[str, Any]) -> str:
    keys = ("Id", facts.get("key", "Id")) if facts.get("identity") != "row" else ()
    found = [str(row[key]) for key in keys if str(row.get(key) or "").strip()]
    return found[0] if found else json.dumps(row)


def logged(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    """Return the facts of every line that tells of the event."""
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines() if each[:1] == "{"]
    return [line for line in lines if line.get("message") == event]


# ----------------------------------------------------------------------------- 6: rows that repeat

ODD = {
    "a row that comes twice": {"repeated": 1},
    "many rows that come twice, on other pages": {"repeated": 12},
    "two rows of one Id": {"shared_ids": 1},
    "rows of one Id on several pages": {"shared_ids": 14},
    "empty, blank and missing Ids": {"blank_ids": ["", "  ", None, "", "\t"]},
    "all of it": {"repeated": 5, "shared_ids": 3, "blank_ids": ["", None]},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_rows_that_repeat_are_data_and_the_dataset_goes_on_whole(
    world: World, odd: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    world.xporter.set_school(odd_rows={TABLE: odd})
    # Drift is that the same question gets different answers: at most it is asked twice.
    assert len(pulled(world)) <= 2
    assert world.item(STUDENTS).state is DatasetState.CURRENT
    assert kept(world) == shown(world.xporter.truth(TABLE))
    can_follow = odd.keys() == {"repeated"}
    for number in range(3):
        world.advance(hours=1)
        world.change(rows=2, inserts=number, deletes=number % 2)
        asked = pulled(world)
        assert ("*" in asked) is not can_follow
        assert len(asked) <= 2
        assert kept(world) == shown(world.xporter.truth(TABLE))
        assert followed(world)[TABLE] == kept(world)
    assert world.item(STUDENTS).published.sequence == 4
    world.advance(hours=1)
    assert len(pulled(world)) == 1, "what was odd before is odd again"
    assert world.item(STUDENTS).published.sequence == 4, "and nothing has changed"
    said = [each["tables"] for each in logged(capsys, "identity_repeated")]
    assert said == ([{TABLE: odd["shared_ids"]}] if "shared_ids" in odd else [])


def test_rows_of_one_id_go_one_by_one_and_the_table_finds_its_way_back(world: World) -> None:
    for shared in (3, 1, 2, 0):
        world.xporter.set_school(odd_rows={TABLE: {"shared_ids": shared}})
        world.advance(hours=1)
        pulled(world)
        assert kept(world) == shown(world.xporter.truth(TABLE))
        assert followed(world)[TABLE] == kept(world)
        assert world.latest(STUDENTS)["tables"][TABLE].get("repeated", 0) == shared
    assert pulled(world) != ["*"]


@pytest.mark.parametrize("odd", [{}, {"repeated": 4}, {"shared_ids": 2}])
def test_a_school_that_moves_under_the_pull_is_asked_until_it_stands_still(
    world: World, odd: dict[str, Any]
) -> None:
    world.xporter.set_school(odd_rows={TABLE: odd})
    world.xporter.set_faults({"kind": "page_drift", "count": 2})
    pulled(world)
    assert kept(world) == shown(world.xporter.truth(TABLE))


# ---------------------------------------------------------------------------------- 7: the Id wins


@pytest.mark.parametrize(
    ("name", "table", "changed"),
    [
        ("attendancecodes", "AttendCodes", {"table": "AttendCodes", "rows": 2, "deletes": 2}),
        ("attendancecodes", "AttendCodes", {"table": "AttendCodes", "deletes": 3}),
        ("counts", "counts", {"rows": 3, "deletes": 1, "inserts": 2}),
        ("studentexclusions", "ExclusionReasons", {"table": "ExclusionReasons", "deletes": 1}),
        ("studentexclusions", "StudentExclusionReasons", {"table": "StudentExclusions", "rows": 4}),
    ],
)
def test_a_row_is_known_again_by_the_id_that_it_has(
    world: World,
    name: str,
    table: str,
    changed: dict[str, Any],
) -> None:
    dataset = Dataset(name, replace(find(name), scope="*"))
    world = World(in_memory(), world.xporter, students=30, scopes=list(ALL))
    configure(world.aws.datasets, dataset)

    def pulled_once() -> None:
        world.ask(name)
        world.settle()
        assert world.item(name).state is DatasetState.CURRENT
        assert kept(world, name, table) == shown(world.xporter.truth(table))
        assert followed(world, name)[table] == kept(world, name, table)

    pulled_once()
    for _ in range(2):
        world.change(**changed)
        world.advance(hours=1)
        pulled_once()


def test_what_was_kept_by_another_key_is_compared_with_the_whole_and_reordered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "attendancecodes"
    pulled(world, name)
    before = kept(world, name, "AttendCodes")
    # As an earlier version kept it: by another key, and nothing said of it.
    item = lease(world.aws.datasets, ESTAB, name, world.now()) or world.item(name)
    assert item.published.manifest
    manifest = item.published.manifest.document()
    entry = manifest["tables"]["AttendCodes"]
    del entry["key"]
    key = f"{DATA}/{entry['snapshot_key']}"
    objects = world.aws.store._published._client.objects
    lines = gzip.decompress(objects[key]).splitlines(keepends=True)
    objects[key] = gzip.compress(b"".join(sorted(lines, key=lambda line: json.loads(line)["Mark"])))
    world.aws.datasets.save(with_facts(item.released(), manifest=manifest), world.now())
    world.change(table="AttendCodes", rows=2)
    assert pulled(world, name) == ["*"]
    assert kept(world, name, "AttendCodes") == shown(world.xporter.truth("AttendCodes")) != before
    entry = world.latest(name)["tables"]["AttendCodes"]
    assert (entry["upserts"], entry["deletes"], entry["key"]) == (2, 0, "Mark")
    world.change(table="AttendCodes", rows=1)
    assert pulled(world, name) != ["*"]


# -------------------------------------------------------------------------- 8: deletions of no row


@pytest.mark.parametrize("form", ["PL-{}", " {}", "0{}", "{}.0", "", None])
@pytest.mark.parametrize("changed", [{"deletes": 1}, {"rows": 3, "inserts": 2, "deletes": 2}])
def test_a_deletion_that_meets_no_row_is_reported_and_the_whole_is_compared(
    world: World, form: str | None, changed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    pulled(world)
    world.xporter.set_faults({"kind": "deleted_ids", "value": form})
    gone = world.change(**changed)[TABLE]["deleted"]
    world.advance(hours=1)
    before, whole = pulled(world)
    assert (before != "*", whole) == (True, "*")
    assert kept(world) == shown(world.xporter.truth(TABLE))
    assert not {f'"Id": "{each}"' for each in gone} & {row[1:].split(",")[0] for row in kept(world)}
    assert followed(world)[TABLE] == kept(world)
    [said] = logged(capsys, "pull_restarted")
    assert (said["reason"], said["tables"][TABLE]) == ("deletion_unmet", len(gone) if form else 1)
    # From then on there is a change set again.
    world.change(rows=1)
    assert "*" not in pulled(world)


# ------------------------------------------------------------------------------- 9: not quite JSON


@pytest.mark.parametrize(
    ("kind", "forename"),
    [
        ("nan", None),
        ("infinity", None),
        ("control", "a\n\x0bb"),
        ("surrogate", "a\ufffd"),
        ("apostrophe", "O'Brien"),
        ("bom", ""),
        ("comma", ""),
    ],
)
def test_an_answer_that_is_not_quite_json_is_read_where_its_meaning_is_clear(
    world: World, kind: str, forename: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    world.xporter.set_faults({"kind": "odd_json", "value": kind, "path": "/school/"})
    pulled(world)
    expected = world.xporter.truth(TABLE)
    for row in expected:
        row["Forename"] = row["Forename"] if forename == "" else forename
    assert (world.item(STUDENTS).state, kept(world)) == (DatasetState.CURRENT, shown(expected))
    world.change(rows=2)
    pulled(world)
    assert world.item(STUDENTS).published.sequence == 2
    assert len(logged(capsys, "answer_mended")) == 1


# --------------------------------------------------------------------------------------- 10: times


@pytest.mark.parametrize(
    "time",
    [
        "/Date(1529460887085)/",
        "20/06/2018 02:14:47",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:00:00-01:00",
        1529460887085,
        None,
    ],
)
def test_a_time_in_another_form_is_unknown_and_the_rows_are_good(world: World, time: Any) -> None:
    world.xporter.set_faults({"kind": "odd_meta", **({} if time is None else {"value": time})})
    pulled(world)
    item = world.item(STUDENTS)
    assert (item.state, world.latest(STUDENTS)["as_of"], item.published.as_of) == (
        "current",
        None,
        None,
    )
    assert kept(world) == shown(world.xporter.truth(TABLE))
    dataset = configured()[STUDENTS]
    found = freshness.of_dataset(item, dataset, world.now())
    assert found
    assert (found.as_of, found.age_seconds, found.is_stale) == (None, None, False)
    world.change(rows=1)
    pulled(world)
    assert (world.item(STUDENTS).published.sequence, world.latest(STUDENTS)["as_of"]) == (2, None)
    # A time that can be read is known again.
    world.xporter.set_faults({"kind": "odd_meta", "value": "2026-11-24T02:25:06.2230000"})
    world.change(rows=1)
    pulled(world)
    assert world.latest(STUDENTS)["as_of"] == "2026-11-24T02:25:06.223Z"


def test_a_change_set_that_says_no_time_is_no_older_than_what_it_follows(world: World) -> None:
    pulled(world)
    before = world.latest(STUDENTS)["as_of"]
    world.change(rows=1)
    world.advance(hours=1)
    assert "*" not in pulled(world)
    assert before
    assert world.latest(STUDENTS)["as_of"] == before


# --------------------------------------------------------------------- 11: members that are no tab


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("Warnings", ["late by a day", "see SEN file"]),
        ("__Warnings__", ["late by a day"]),
        ("Warnings", {"Code": 7, "Rows": [{"Id": "1"}]}),
        ("Warnings", 1017),
        ("Warnings", "[see SEN file]"),
        ("Warnings", True),
        ("Warnings", [1, None, {"Id": "1"}]),
        ("Warnings", [[{"Id": "1"}]]),
    ],
)
def test_a_member_that_is_no_table_is_noted_once_and_ignored(
    world: World, name: str, member: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.xporter.set_faults({"kind": "odd_member", "column": name, "value": member})
    for _ in range(2):
        pulled(world)
        assert world.item(STUDENTS).state is DatasetState.CURRENT
        assert kept(world) == shown(world.xporter.truth(TABLE))
        assert set(world.latest(STUDENTS)["tables"]) == {TABLE, "StudentSiblings"}
        world.change(rows=1)
    said = [(each["kind"], each["columns"]) for each in logged(capsys, "columns_noticed")]
    assert said == ([] if name.startswith("__") else [("ignored", ["Warnings.*"])])


# ------------------------------------------------------------------------------- 18: beyond reason

BEYOND = {
    "a billion pages": ({"kind": "odd_count", "value": 10**9}, "page_count_beyond_reason"),
    "pages of nothing": ({"kind": "odd_count", "value": 5_000}, "page_count_beyond_reason"),
    "a number without end": ({"kind": "odd_count", "value": 10**18}, "count_beyond_reason"),
    "rows without end": (
        {"kind": "odd_count", "column": "RowCount", "value": 10**12},
        "count_beyond_reason",
    ),
    "no number": ({"kind": "odd_count", "value": "many"}, "count_is_no_number"),
    "twelve thousand columns": ({"kind": "many_columns", "value": 12_000}, "too_many_columns"),
    "a long table name": (
        {"kind": "odd_member", "column": "T" * 1_100, "value": [{"Id": "1"}]},
        "table_name_unusable",
    ),
    "a table name with a path": (
        {"kind": "odd_member", "column": "../../estab=1", "value": [{"Id": "1"}]},
        "table_name_unusable",
    ),
    "a table name with control characters": (
        {"kind": "odd_member", "column": "A\nB", "value": []},
        "table_name_unusable",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), BEYOND.values(), ids=BEYOND)
def test_what_nobody_sends_in_earnest_has_a_clear_reason_and_leaves_nothing_stuck(
    world: World, fault: dict[str, Any], reason: str
) -> None:
    pulled(world)
    before = kept(world)
    world.xporter.set_faults(fault)
    world.change(rows=1)
    world.advance(hours=1)
    tracemalloc.start()
    assert len(pulled(world)) <= 2
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    item = world.item(STUDENTS)
    assert (item.state, item.reason.split(":")[0]) == (DatasetState.FAILED, reason)
    assert (item.is_due, item.published.unpublished, kept(world), world.staged()) == (
        False,
        None,
        before,
        [],
    )
    # It is asked for again by itself, and as soon as a database is said to have changed.
    world.xporter.set_faults()
    world.advance(hours=1, minutes=5)
    world.watch()
    world.settle()
    assert (world.item(STUDENTS).state, world.item(STUDENTS).reason) == (DatasetState.CURRENT, "")
    assert kept(world) == shown(world.xporter.truth(TABLE)) != before


# --------------------------------------------------------------------- 12: how an answer is packed


@pytest.mark.parametrize(
    "packed",
    ["members", "deflate", "raw_deflate", "unlabelled", "mislabelled", "utf-8", "identity", "none"],
)
def test_an_answer_is_read_however_it_is_packed_and_labelled(world: World, packed: str) -> None:
    world.xporter.set_faults({"kind": "odd_encoding", "value": packed})
    pulled(world)
    world.change(rows=2, deletes=1)
    pulled(world)
    assert (world.item(STUDENTS).state, world.item(STUDENTS).published.sequence) == (
        DatasetState.CURRENT,
        2,
    )
    assert kept(world) == shown(world.xporter.truth(TABLE))


# ------------------------------------------------------------------ 13: a callback before the data


def looks(world: World, minutes: int, name: str = STUDENTS) -> list[int]:
    """Let the watcher run every minute; return after how many it asked for the dataset again."""
    resource = configured()[name].endpoint.resource.lower()
    found = []
    for minute in range(1, minutes + 1):
        before = len(world.xporter.requests())
        world.advance(minutes=1)
        world.watch()
        world.deliver()
        asked = [each["path"].lower() for each in world.xporter.requests()[before:]]
        if any(path.endswith(f"/{resource}") for path in asked):
            found.append(minute)
    return found


@pytest.fixture
def known(xporter: Xporter) -> World:
    """A school of which every dataset has been pulled."""
    world = World(in_memory(), xporter, students=30)
    world.ask(*configured())
    world.settle()
    world.advance(hours=1)
    return world


def test_a_callback_that_the_data_contradict_is_looked_into_three_times_and_counted(
    known: World, capsys: pytest.CaptureFixture[str]
) -> None:
    known.hear()
    known.deliver()
    assert looks(known, 60) == [1, 6, 21]
    counts = capsys.readouterr().out.count('"Name":"CallbackContradicted"')
    assert counts == len(
        [each for each in configured().values() if each.database == "XodSchoolData"]
    )
    # The next callback begins anew.
    known.advance(hours=3)
    known.hear()
    known.deliver()
    assert looks(known, 25) == [1, 6, 21]


@pytest.mark.parametrize(("readable_after", "found_after"), [(0.5, 1), (3, 6), (10, 21)])
def test_data_that_can_be_read_a_little_after_the_callback_are_read_soon(
    known: World, readable_after: float, found_after: int
) -> None:
    known.hear()
    known.deliver()
    looked = looks(known, int(readable_after)) if readable_after >= 1 else []
    known.change(rows=2)
    rest = looks(known, 60 - int(readable_after))
    assert looked + [int(readable_after) + minute for minute in rest] == [
        minute for minute in (1, 6, 21) if minute <= found_after
    ]
    assert kept(known) == shown(known.xporter.truth(TABLE))


@pytest.mark.parametrize("name", ["students", "staff"], ids=["it changed", "another changed"])
@pytest.mark.parametrize(("minutes", "found"), [(5, [1]), (25, [1]), (40, [1, 6, 21])])
def test_a_callback_soon_after_a_change_that_was_pulled_is_looked_into_once(
    known: World, minutes: int, found: list[int], name: str
) -> None:
    known.change(rows=1)
    known.hear()
    known.deliver()
    known.advance(minutes=minutes)
    known.hear()
    known.deliver()
    assert looks(known, 60, name) == found


def test_a_second_change_that_can_be_read_only_after_its_callback_is_read_at_the_look(
    known: World,
) -> None:
    known.change(rows=1)
    known.hear()
    known.deliver()
    known.advance(minutes=5)
    known.hear()
    known.deliver()
    known.change(rows=2)
    assert looks(known, 60) == [1]
    assert kept(known) == shown(known.xporter.truth(TABLE))


@pytest.mark.parametrize("times", [1, 5, 30])
def test_a_callback_that_speaks_of_a_change_in_another_dataset_is_not_contradicted(
    known: World, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    known.change(rows=1)
    known.hear(times=times)
    known.deliver()
    known.hear(times=times)
    known.deliver()
    assert (looks(known, 60, "staff"), looks(known, 1)) == ([], [])
    assert "CallbackContradicted" not in capsys.readouterr().out


# ----------------------------------------------------------------- 16: an agent that died long ago


@pytest.mark.parametrize("time", ["2019-05-01T02:14:47.085", "2026-10-01T02:00:00Z", "2026-11-12"])
def test_data_that_nobody_refreshes_are_stale_and_raise_an_alarm_once(
    world: World, time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked() -> SchoolView:
        world.ask(*configured())
        world.settle()
        school = world.aws.schools.get(ESTAB)
        assert school
        return present_school(
            school, world.aws.datasets.of_school(ESTAB), configured(), world.now()
        )

    world.xporter.set_faults({"kind": "odd_meta", "value": time})
    for _ in range(3):
        seen = asked()
        world.advance(hours=20)
    for database in seen.freshness:
        assert (database.is_stale, database.reason) == (True, "as_of is old")
        assert (database.as_of or "")[:10] == time[:10]
        assert (database.checked_at or "") > iso(world.now() - timedelta(days=1))
    assert is_troubled(seen)
    page = render(FleetOverview([seen], {"live": 1}, 1), WidgetRequest(), "arn", world.now())
    assert "XodSchoolData: no newer data at Xporter" in page
    assert capsys.readouterr().out.count('"Name":"MisNotRefreshed"') == len(configured())
    # The agent runs again.
    world.xporter.set_faults({"kind": "odd_meta", "value": world.now().isoformat()})
    assert not any(database.is_stale for database in asked().freshness)


# -------------------------------------------------------------------------- 14: what becomes empty


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (STUDENTS, TABLE),
        (STUDENTS, "StudentSiblings"),
        ("staff", "Staff"),
        ("groups", "GroupTypes"),
    ],
)
def test_a_table_that_would_become_empty_waits_for_a_person_whatever_its_size(
    xporter: Xporter, name: str, table: str
) -> None:
    world = World(in_memory(), xporter, students=4)
    pulled(world, name)
    before = kept(world, name, table)
    assert 0 < len(before) < 20
    world.xporter.set_faults({"kind": "empty_tables", "table": table})
    world.xporter.control("POST", f"schools/{ESTAB}/forget-hashes")
    world.advance(hours=1)
    pulled(world, name)
    item = world.item(name)
    assert (item.state, kept(world, name, table)) == (DatasetState.HELD, before)
    assert f"{table}: {len(before)} of {len(before)} rows deleted" in item.reason
    # The next answer that has the rows ends it.
    world.xporter.set_faults()
    world.advance(hours=1)
    pulled(world, name)
    assert (world.item(name).state, kept(world, name, table)) == (DatasetState.CURRENT, before)


def test_the_last_pupil_of_a_school_goes_when_a_person_has_agreed(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=2)
    pulled(world)
    world.change(deletes=2)
    pulled(world)
    assert (world.item(STUDENTS).state, len(kept(world))) == (DatasetState.HELD, 2)
    world.aws.datasets.decide(ESTAB, STUDENTS, "approve", world.now())
    world.queue.send({"estab": ESTAB, "dataset": STUDENTS})
    world.settle()
    assert (world.item(STUDENTS).state, kept(world)) == (DatasetState.CURRENT, [])


NOT_READY = [
    {},
    {"value": "Error", "column": "DbStatus"},
    {"value": "Waiting for data", "column": "__DBStatus__"},
    {"value": "Pending", "column": "Status"},
]


@pytest.mark.parametrize("fault", NOT_READY)
@pytest.mark.parametrize("is_first", [True, False])
def test_empty_arrays_beside_a_status_that_is_not_ok_are_no_data_yet(
    world: World, fault: dict[str, Any], is_first: bool
) -> None:
    world.set_school(state=SchoolState.INSTALLED)
    before = []
    if not is_first:
        pulled(world)
        before = kept(world)
        world.change(rows=1)
    world.xporter.set_faults({"kind": "not_ready", **fault})
    world.ask(STUDENTS)
    world.deliver()
    item, school = world.item(STUDENTS), world.aws.schools.get(ESTAB)
    assert (item.reason, item.is_due, item.published.sequence) == (
        "data_not_ready",
        True,
        len(before) and 1,
    )
    assert school
    assert (school.state is SchoolState.LIVE) is not is_first
    world.xporter.set_faults()
    world.settle()
    assert kept(world) == shown(world.xporter.truth(TABLE)) != before
    assert (world.item(STUDENTS).state, world.item(STUDENTS).reason) == (DatasetState.CURRENT, "")


# ------------------------------------------------------------------------ 15: a release of Xporter

RELEASES = {
    "a new column": [{"kind": "added_column", "column": "House2", "value": "red"}],
    "bookkeeping": [{"kind": "added_column", "column": "RowHash", "value": "0" * 40}],
    "all at once": [
        {"kind": "added_column", "column": "LastUpdated", "value": "2026-11-24T00:00:00"},
        {"kind": "key_casing"},
    ],
}


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_a_release_that_touches_every_row_is_published_and_not_held(
    xporter: Xporter, release: list[dict[str, Any]]
) -> None:
    world = World(in_memory(), xporter, students=60)
    pulled(world)
    before = kept(world)
    xporter.set_faults(*release)
    xporter.control("POST", f"schools/{ESTAB}/forget-hashes")
    world.advance(hours=1)
    pulled(world)
    assert (world.item(STUDENTS).state, world.item(STUDENTS).published.sequence) == (
        DatasetState.CURRENT,
        2,
    )
    assert world.latest(STUDENTS)["tables"][TABLE]["upserts"] == 60
    assert not set(kept(world)) & set(before)
    assert followed(world)[TABLE] == kept(world)


@pytest.mark.parametrize("column", ["Forename", "RegGroup", "QuickNote"])
def test_what_the_school_says_is_held_still_when_all_of_it_changes(
    xporter: Xporter, column: str
) -> None:
    world = World(in_memory(), xporter, students=60)
    pulled(world)
    xporter.set_faults({"kind": "added_column", "column": column, "value": "x"})
    xporter.control("POST", f"schools/{ESTAB}/forget-hashes")
    world.advance(hours=1)
    pulled(world)
    assert "60 of 60 rows updated" in world.item(STUDENTS).reason


@pytest.mark.parametrize("column", ["House2", "MedicalDiary", "forename"])
def test_the_same_column_at_many_schools_raises_one_alarm(
    xporter: Xporter,
    column: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet = in_memory().datasets.notices
    for number in range(3):
        world = World(in_memory(), xporter, students=3)
        monkeypatch.setattr(DatasetRepository, "notices", fleet)
        xporter.set_faults()
        pulled(world)
        xporter.set_faults({"kind": "added_column", "column": column, "value": number})
        xporter.control("POST", f"schools/{ESTAB}/forget-hashes")
        pulled(world)
        assert world.item(STUDENTS).noticed.reported_columns
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    assert sum(sum(line.get("ColumnDrift", [])) for line in lines) == 2, "of two tables"
