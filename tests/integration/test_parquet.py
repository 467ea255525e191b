"""Parquet beside NDJSON: the same rows in the same sequence, and gone when they go."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.integration.test_erase_data import SCHOOL, versions
from tests.integration.test_erase_people import DATASETS, erase_person, found, pulled, pupil, settle
from tests.support.builders import ESTAB, onboard, school_table
from tests.support.company_api import CompanyApi
from tests.support.fakes import Mishap
from tests.support.moto_cloud import Cloud
from tests.support.parquet import hold_equal
from tests.support.pull_world import DATA, World, in_memory, verify
from tests.support.template import ROOT
from tests.support.xporter import Xporter
from xporter_bridge.ingestion.build_sequence import SequenceBuilder
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.convert import ParquetConverter
from xporter_bridge.snapshots.layout import DatasetLayout, parquet_key
from xporter_bridge.snapshots.manifest import ParquetEntry

STUDENTS, GROUPS = "students", "groups"
FIELDS = {"parquet_key", "parquet_sha256", "parquet_types"}


@pytest.fixture
def world(xporter: Xporter) -> World:
    """A school whose pupils were pulled once, as NDJSON alone."""
    return ask(World(in_memory(), xporter, students=40))


@pytest.fixture
def both(xporter: Xporter) -> World:
    """The same in both formats."""
    world = World(in_memory(), xporter, students=40)
    switch(world, on=True)
    return ask(world)


def switch(world: World, *, on: bool) -> None:
    world.deps = replace(world.deps, has_parquet=on)


def ask(world: World, *datasets: str) -> World:
    world.ask(*datasets or (STUDENTS, GROUPS))
    world.settle()
    return world


def compare_all(world: World, *, days: int = 8) -> None:
    """Let the weekly comparison come."""
    world.advance(days=days, hours=1)
    world.watch()
    world.settle()


def entries(world: World, dataset: str = STUDENTS) -> dict[str, dict[str, Any]]:
    return dict(world.latest(dataset)["tables"])


def parquet_objects(world: World) -> list[str]:
    return [key for key in world.aws.objects(DATA) if key.endswith(".parquet")]


def hold_complete(world: World, *datasets: str) -> None:
    """Hold that every table has a file with its own rows, and nothing else is there."""
    for name in datasets or (STUDENTS, GROUPS):
        assert world.readable(name)
        for entry in entries(world, name).values():
            assert entry["parquet_key"] == parquet_key(entry["snapshot_key"])
            hold_equal(world.aws.objects(DATA), entry)
    verify(world, *datasets or (STUDENTS, GROUPS))


def test_without_the_format_no_field_and_no_object_says_parquet(world: World) -> None:
    world.change(rows=2)
    ask(world)
    assert parquet_objects(world) == []
    for entry in (*entries(world).values(), *entries(world, GROUPS).values()):
        assert not FIELDS & entry.keys()


def test_every_table_of_every_dataset_has_its_rows_as_parquet(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=40)
    switch(world, on=True)
    names = (STUDENTS, GROUPS, "schoolinfo", "staff", "contacts", "attendancesummary")
    hold_complete(ask(world, *names), *names)
    types = entries(world)["Students"]["parquet_types"]
    assert types["LastUpdated"].startswith("time")
    assert "Id" not in types


def test_changes_make_a_file_anew_and_a_table_at_rest_keeps_the_one_it_has(both: World) -> None:
    hold_complete(both)
    before = entries(both)
    both.change(rows=3, deletes=1, inserts=1)
    ask(both)
    hold_complete(both)
    after = entries(both)
    moved = {name for name in after if after[name]["parquet_key"] != before[name]["parquet_key"]}
    assert moved == {n for n in after if after[n]["snapshot_key"] != before[n]["snapshot_key"]}
    assert "Students" in moved


def test_switched_on_a_change_converts_the_tables_at_rest_too(world: World) -> None:
    switch(world, on=True)
    world.change(rows=1)
    ask(world, STUDENTS)
    hold_complete(world, STUDENTS)
    unchanged = [e for e in entries(world).values() if not e["upserts"] and not e["deletes"]]
    assert unchanged


def test_switched_on_a_school_at_rest_is_converted_by_the_weekly_comparison(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    switch(world, on=True)
    ask(world)
    assert world.item(STUDENTS).published.sequence == 1
    assert parquet_objects(world) == []
    compare_all(world)
    hold_complete(world)
    assert world.item(STUDENTS).published.sequence == 2
    assert "BaselineDiffered" not in capsys.readouterr().out
    compare_all(world)
    assert world.item(STUDENTS).published.sequence == 2


def test_switched_off_the_files_go_with_the_sequences_that_name_them(both: World) -> None:
    switch(both, on=False)
    both.change(rows=2)
    ask(both, STUDENTS)
    assert not any(FIELDS & entry.keys() for entry in entries(both).values())
    of_students = DatasetLayout(ESTAB, STUDENTS).prefixes[0]
    assert any(key.startswith(of_students) for key in parquet_objects(both))
    for _ in range(3):
        both.advance(days=91)
        both.change(rows=1)
        ask(both, STUDENTS)
    assert not any(key.startswith(of_students) for key in parquet_objects(both))
    assert all("parquet_key" in entry for entry in entries(both, GROUPS).values())


def test_a_superseded_file_goes_with_its_sequence(both: World) -> None:
    first = entries(both)["Students"]["parquet_key"]
    for _ in range(3):
        both.advance(days=50)
        both.change(rows=1)
        ask(both)
    assert first not in both.aws.objects(DATA)
    objects = both.aws.objects(DATA)
    named = {
        value
        for key, body in objects.items()
        if key.startswith("manifests/")
        for table in orjson.loads(body)["tables"].values()
        for name, value in table.items()
        if name.endswith("_key")
    }
    assert {key for key in objects if not key.startswith("manifests/")} == named
    hold_complete(both)


def test_a_held_change_has_its_file_when_it_is_approved(both: World) -> None:
    before = parquet_objects(both)
    both.change(deletes=30)
    ask(both, STUDENTS)
    assert both.item(STUDENTS).hold
    assert parquet_objects(both) == before
    both.aws.datasets.decide(ESTAB, STUDENTS, "approve", both.now())
    both.queue.send({"estab": ESTAB, "dataset": STUDENTS})
    both.settle()
    hold_complete(both, STUDENTS)


def test_a_file_that_fails_costs_no_data_and_is_made_up_for(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(ParquetConverter, "convert", lambda *_, **__: ParquetEntry(None))
        both.change(rows=2)
        ask(both, STUDENTS)
    assert entries(both)["Students"]["parquet_key"] is None
    verify(both, STUDENTS)
    sequence = both.item(STUDENTS).published.sequence
    with monkeypatch.context() as broken:
        broken.setattr(ParquetConverter, "convert", lambda *_, **__: ParquetEntry(None))
        compare_all(both)
    assert both.item(STUDENTS).published.sequence == sequence, "a failure alone is no news"
    compare_all(both)
    hold_complete(both, STUDENTS)


def test_a_pull_without_time_for_files_publishes_ndjson(both: World) -> None:
    both.change(rows=2)
    sequence, left = both.item(STUDENTS).published.sequence, [600.0]
    both.remaining_seconds = lambda: left[0]
    assemble = SequenceBuilder.assemble

    def slow(*args: Any, **facts: Any) -> Any:
        left[0] = 0.0
        return assemble(*args, **facts)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SequenceBuilder, "assemble", slow)
        ask(both, STUDENTS)
    assert both.item(STUDENTS).published.sequence == sequence + 1
    assert entries(both)["Students"]["parquet_key"] is None
    verify(both, STUDENTS)


@pytest.mark.parametrize("mishap", Mishap)
def test_readers_find_the_file_of_what_they_find_whatever_goes_wrong(
    xporter: Xporter, mishap: Mishap
) -> None:
    def changed() -> World:
        world = World(in_memory(), xporter, students=25)
        switch(world, on=True)
        ask(world, STUDENTS)
        world.advance(hours=20)
        world.change(rows=3, deletes=1)
        world.ask(STUDENTS)
        return world

    world = changed()
    world.aws.calls.plan(None)
    world.deliver()
    calls = list(world.aws.calls.names)
    # Before the results are staged, the pull is like any other.
    for at in range(calls.index("CopyObject") - 4, len(calls)):
        world = changed()
        world.aws.calls.plan(at, mishap)
        world.deliver()
        world.aws.calls.plan(None)
        assert world.readable(STUDENTS)
        world.settle()
        assert world.item(STUDENTS).published.sequence == 2, f"{calls[at]} at {at}"
        verify(world, STUDENTS, staged=True)
        for entry in entries(world).values():
            hold_equal(world.aws.objects(DATA), entry)


# ---------------------------------------------------------------------- erasures


@pytest.fixture
def school(connected: Cloud, xporter: Xporter) -> Cloud:
    """A school that is live, with everything pulled in both formats."""
    connected._parameters["Formats"] = "ndjson+parquet"
    onboard(connected, xporter.school(students=12))
    connected.settle()
    assert school_table(connected).get(ESTAB).state is SchoolState.LIVE  # type: ignore[union-attr]
    return connected


def hold_files(cloud: Cloud) -> int:
    """Hold that each file has the rows of its table, and return how many files there are."""
    objects, count = cloud.objects("DataBucket"), 0
    for name in DATASETS:
        for entry in json.loads(objects[DatasetLayout(ESTAB, name).latest])["tables"].values():
            assert entry["parquet_key"] in objects
            hold_equal(objects, entry)
            count += 1
    return count


def test_nothing_of_an_erased_pupil_is_left_in_a_file_and_the_others_are(
    school: Cloud, xporter: Xporter
) -> None:
    assert hold_files(school) > 6
    row = pupil(xporter)
    xporter.control(
        "POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 5, "notify": False}
    )
    pulled(school)
    before = {key for key in school.objects("DataBucket") if key.endswith(".parquet")}
    assert any(place.endswith(".parquet") for place, _ in found(school, row))
    erase_person(school, row)
    settle(school)
    assert hold_files(school) > 6
    after = {key for key in school.objects("DataBucket") if key.endswith(".parquet")}
    students = "dataset=students/format=parquet/table=Students/"
    assert not {key for key in before & after if students in key}
    assert found(school, row) == set()


def test_an_erased_school_leaves_no_file(school: Cloud) -> None:
    assert any(key.endswith(".parquet") for key in versions(school))
    assert CompanyApi(school).delete(SCHOOL).status == 202
    school.deliver("ErasureQueue")
    assert versions(school) == []


def test_without_the_format_the_pulling_function_does_not_load_the_writer() -> None:
    code = (
        "import sys; import functions.pull_dataset.handler; "
        "print([name for name in sys.modules if 'parquet_' in name or name.endswith('convert')])"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/shared'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
