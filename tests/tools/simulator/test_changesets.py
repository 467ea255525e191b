"""Folding change sets over what was pulled first must give the truth, whatever happened."""

import random
from typing import Any

import orjson
import pytest

from tools.simulator.http.data import reply
from tools.simulator.http.errors import ControlError, XporterError
from tools.simulator.school.changes import change, roll_over
from tools.simulator.school.create_school import found
from tools.simulator.school.schools import School
from tools.simulator.service.application import Application, World
from tools.simulator.service.databases import DATABASES, database_named
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.queries import parse
from tools.simulator.service.scopes import USUAL
from tools.simulator.service.tokens import Claims
from tools.simulator.service.truth import truth

TABLES = {
    "Students": ("includeSiblingsResultset", ["Students", "StudentSiblings"]),
    "Groups": ("includeStudentMembers,includeStaffMembers", ["Group", "StudentMembers"]),
    "Contacts": ("", ["Contacts"]),
    "StudentContacts": ("", ["StudentContact"]),
    "PersonComms": ("", ["PersonComms"]),
}


def world_with_a_school(students: int = 60) -> tuple[World, School]:
    world = World(Application())
    school = found({"estab": "3281102", "students": students, "seed": 3}, world.now().date())
    world.schools.add(school)
    return world, school


def ask(
    world: World, school: School, resource: str, scopes: tuple[str, ...] = USUAL, **parameters: str
) -> Any:
    query = parse(RESOURCES[resource.lower()], None, parameters)
    claims = Claims(school.estab, "live.example.app", scopes, world.now())
    return orjson.loads(b"".join(reply(world, school, claims, query).chunks()))


def chain(answer: Any) -> Any:
    return answer["__changedRows__"][0]


def truth_of(school: School, table: str) -> dict[str, Any]:
    rows = orjson.loads(b"".join(truth(school, table, {}, lines=False)))
    assert len({row["Id"] for row in rows}) == len(rows)
    return {row["Id"]: row for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_folding_the_change_sets_of_a_long_chain_gives_the_truth(seed: int) -> None:
    world, school = world_with_a_school()
    chance = random.Random(seed)
    hashes: dict[str, str] = {}
    held: dict[str, dict[str, Any]] = {}
    for _ in range(8):
        for resource, (options, tables) in TABLES.items():
            answer = ask(
                world, school, resource, options=options, changedrows=hashes.get(resource, "*")
            )
            hashes[resource] = chain(answer)["NextChangedRows"]
            for table in tables:
                rows = held.setdefault(table, {})
                for gone in answer[f"{table}_deleted"]:
                    del rows[gone["Id"]]
                rows.update((row["Id"], row) for row in answer[table])
                assert rows == truth_of(school, table)
        if chance.random() < 0.2:
            roll_over(school)
        change(
            school,
            database_named("xodschooldata"),
            rows=chance.randrange(5),
            deletes=chance.randrange(4),
            inserts=chance.randrange(4),
            table=None,
        )


@pytest.mark.parametrize("pupil", range(8))
def test_a_pupil_who_leaves_takes_the_sibling_rows_of_both_along(pupil: int) -> None:
    world, school = world_with_a_school()
    asked = {"options": "includeSiblingsResultset"}
    first = ask(world, school, "Students", **asked, changedrows="*")
    school.next_revision()
    school.remove(school.tables.students.ledger, pupil)
    following = chain(first)["NextChangedRows"]
    second = ask(world, school, "Students", **asked, changedrows=following)
    gone = {row["Id"] for row in second["StudentSiblings_deleted"]}
    assert gone == {row["Id"] for row in first["StudentSiblings"]} - set(
        truth_of(school, "StudentSiblings")
    )


def test_the_hash_is_the_same_while_nothing_changes() -> None:
    world, school = world_with_a_school()
    first = chain(ask(world, school, "Students", changedrows="*"))
    again = chain(ask(world, school, "Students", changedrows=first["NextChangedRows"]))
    assert again["NextChangedRows"] == first["NextChangedRows"]
    assert len(first["NextChangedRows"]) == 32
    assert first["PreviousChangedRows"] is None
    assert again["PreviousChangedRows"] == "*"
    assert again["SnapshotRP"] == "live.example.app"


def test_a_change_of_another_table_leaves_the_hash_alone() -> None:
    world, school = world_with_a_school()
    before = chain(ask(world, school, "Students", changedrows="*"))["NextChangedRows"]
    change(school, database_named("XodSchoolData"), rows=2, deletes=0, inserts=0, table="Staff")
    assert chain(ask(world, school, "Students", changedrows="*"))["NextChangedRows"] == before


def test_continuing_a_chain_with_another_option_gives_spurious_deletions() -> None:
    world, school = world_with_a_school()
    started = ask(world, school, "Groups", options="includeStudentMembers", changedrows="*")
    answer = ask(world, school, "Groups", changedrows=chain(started)["NextChangedRows"])
    assert answer["StudentMembers"] == []
    assert len(answer["StudentMembers_deleted"]) == len(started["StudentMembers"])


def test_a_lost_scope_changes_every_row_and_omits_the_column() -> None:
    world, school = world_with_a_school()
    started = ask(world, school, "Students", changedrows="*")
    fewer = tuple(scope for scope in USUAL if scope not in ("UPN", "Address"))
    answer = ask(world, school, "Students", fewer, changedrows=chain(started)["NextChangedRows"])
    assert "UPN" in started["Students"][0]
    assert len(answer["Students"]) == 60
    assert "UPN" not in answer["Students"][0]
    assert "Street" not in answer["Students"][0]


def test_an_unknown_hash_is_refused_or_restarts_as_configured() -> None:
    world, school = world_with_a_school()
    with pytest.raises(XporterError):
        ask(world, school, "Students", changedrows="0" * 32)
    world.application.change({"unknown_hash": "restart"})
    answer = ask(world, school, "Students", changedrows="0" * 32)
    assert chain(answer)["RequestedChangedRows"] == "*"
    assert len(answer["Students"]) == 60


def test_deletions_of_several_pages_are_complete_in_every_way_of_paging_them() -> None:
    for way, pages in (("every_page", 2), ("first_page", 1), ("sliced", 1)):
        world, school = world_with_a_school()
        world.application.change({"deleted_paging": way})
        started = chain(ask(world, school, "Students", changedrows="*", pagesize="10"))
        change(school, database_named("XodSchoolData"), rows=15, deletes=5, inserts=0, table=None)
        found_ids: list[str] = []
        for page in ("1", "2"):
            answer = ask(
                world, school, "Students",
                changedrows=started["NextChangedRows"], pagesize="10", page=page,
            )  # fmt: skip
            found_ids += [gone["Id"] for gone in answer["Students_deleted"]]
        assert len(found_ids) == 5 * pages
        assert len(set(found_ids)) == 5


def test_pages_of_one_pull_go_on_reading_what_the_first_page_read() -> None:
    world, school = world_with_a_school()
    first = ask(world, school, "Students", pagesize="50", page="1")
    change(school, database_named("XodSchoolData"), rows=0, deletes=30, inserts=0, table=None)
    second = ask(world, school, "Students", pagesize="50", page="2")
    assert second["__pagination__"][0]["RowCount"] == first["__pagination__"][0]["RowCount"] == 60
    assert len(second["Students"]) == 10


def test_page_drift_changes_the_rows_under_a_pull() -> None:
    world, school = world_with_a_school()
    world.faults.replace([*_faults("page_drift", count=1)], 0)
    ask(world, school, "Students", pagesize="50", page="1")
    second = ask(world, school, "Students", pagesize="50", page="2")
    assert second["__pagination__"][0]["RowCount"] == 61


def _faults(kind: str, **facts: Any) -> Any:
    from tools.simulator.service.faults import read

    return read([{"kind": kind, **facts}])[0]


@pytest.mark.parametrize("table", ["Group", "SchoolInfo", "StudentContact", "counts"])
def test_a_table_that_cannot_grow_says_so_and_stays(table: str) -> None:
    _, school = world_with_a_school(40)
    with pytest.raises(ControlError):
        change(school, DATABASES["xodschooldata"], rows=1, deletes=0, inserts=1, table=table)
    assert school.revision == 0


@pytest.mark.parametrize("name", sorted(DATABASES))
def test_every_database_can_be_changed_and_says_what_differs(name: str) -> None:
    _, school = world_with_a_school(40)
    database = DATABASES[name]
    changed = change(school, database, rows=2, deletes=0, inserts=0, table=None)
    assert len(changed[database.table]["updated"]) == 2
