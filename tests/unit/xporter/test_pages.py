"""One page of an answer, and the proof that pages belong together."""

from typing import Any

import pytest

from xporter_bridge.errors import ContractError, PageDriftError
from xporter_bridge.snapshots.row_keys import identities
from xporter_bridge.timestamps import parse as moment
from xporter_bridge.xporter.pages import (
    PageMetadata,
    has_tables,
    meets_row_count,
    read_page,
    with_requested_hash,
)

FACTS = PageMetadata(page_count=2, row_count=1017, requested="*", following="db69")


def document(**changes: Any) -> dict[str, Any]:
    return {
        "Students": [{"Id": "1"}],
        "StudentSiblings": [],
        "meta": [{"Id": 1, "MIS": "simsnet", "DateTime": "2018-06-20T02:25:06.223"}],
        "__pagination__": [{"PageNumber": 1, "PageCount": 41, "RowCount": 1017, "NextPage": "?"}],
        "Students_deleted": [{"Id": "3221"}],
        "__changedRows__": [{"RequestedChangedRows": "*", "NextChangedRows": "db69"}],
        **changes,
    }


def test_a_page_is_taken_apart() -> None:
    page = read_page(document())
    assert page.tables == {"Students": [{"Id": "1"}], "StudentSiblings": []}
    assert page.deleted == {"Students": [{"Id": "3221"}]}
    assert page.facts == PageMetadata(41, 1017, "*", "db69")
    assert page.as_of == moment("2018-06-20T02:25:06.223Z")
    assert page.longest == 1


def test_names_are_read_whatever_their_casing() -> None:
    page = read_page(
        {
            "group": [],
            "Group_Deleted": ["7", 8],
            "META": [{"datetime": "2018-06-20T02:25:06"}],
            "__Pagination__": [{"pagecount": "3", "rowcount": "9"}],
            "__changedrows__": [{"nextchangedrows": "ab"}],
        }
    )
    assert page.facts == PageMetadata(3, 9, None, "ab")
    assert page.deleted == {"Group": ["7", 8]}
    assert page.as_of == moment("2018-06-20T02:25:06.000Z")


@pytest.mark.parametrize(
    "name", ["", "../Students", "a/b", "Stud\u00e9nts", "a\n", "x" * 101, "_deleted"]
)
def test_a_table_whose_name_cannot_be_part_of_an_objects_key_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="table_name_unusable"):
        read_page(document(**{name: []}))
    with pytest.raises(ContractError, match="table_name_unusable"):
        read_page(document(**{f"{name}_deleted": []}))


def test_an_answer_without_paging_or_change_set_is_one_page() -> None:
    page = read_page({"Staff": [{"Id": "1"}], "meta": []})
    assert page.facts == PageMetadata(1, None, None, None)
    assert page.as_of is None


def test_an_empty_table_may_have_no_page_at_all() -> None:
    empty = read_page(document(__pagination__=[{"PageCount": 0, "RowCount": 0}]))
    assert (empty.facts.page_count, empty.facts.row_count) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"Students": ["1"]},
        {"__pagination__": [{"PageCount": "many"}]},
        {"__changedRows__": ["db69"]},
    ],
)
def test_an_answer_that_no_xporter_gives_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        read_page(document(**changes))


@pytest.mark.parametrize(
    "meta",
    [
        [{"DateTime": "yesterday"}],
        [{"DateTime": "/Date(1529460887085)/"}],
        [{"DateTime": "20/06/2018 02:14:47"}],
        [{"DateTime": "0001-01-01T00:00:00+01:00"}],
        [{"DateTime": "0001-01-01T00:00:00"}],
        [{"DateTime": "9999-12-31T23:00:00-01:00"}],
        [{"DateTime": 1529460887085}],
        [{"DateTime": {"Ticks": 1}}],
        [{"DateTime": ""}],
        [None, "x"],
        {"DateTime": None},
        "now",
        [],
    ],
)
def test_a_time_that_cannot_be_read_is_unknown_and_the_rows_are_good(meta: Any) -> None:
    page = read_page(document(meta=meta))
    assert (page.as_of, page.tables["Students"]) == (None, [{"Id": "1"}])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (PageMetadata(3, 1017, "*", "db69"), "page_count_changed"),
        (PageMetadata(2, 1018, "*", "db69"), "row_count_changed"),
        (PageMetadata(2, 1017, "aa", "db69"), "requested_changed"),
        (PageMetadata(2, 1017, "*", "db70"), "following_changed"),
    ],
)
def test_pages_of_two_moments_are_told_apart(other: PageMetadata, reason: str) -> None:
    FACTS.require_same_result(FACTS)
    with pytest.raises(PageDriftError, match=reason):
        FACTS.require_same_result(other)


@pytest.mark.parametrize(
    ("row_count", "rows", "deleted"),
    [
        (10, {"A": 10, "B": 3}, {}),
        (12, {"A": 10, "B": 12}, {}),
        (13, {"A": 10, "B": 3}, {}),
        (11, {"A": 10}, {"A": 1}),
        (4, {"A": 0}, {"A": 4}),
        (0, {"A": 0}, {}),
        (None, {"A": 5}, {}),
        (7, {}, {}),
    ],
)
def test_a_row_count_is_met_by_whatever_it_may_count(
    row_count: int | None, rows: dict[str, int], deleted: dict[str, int]
) -> None:
    assert meets_row_count(PageMetadata(1, row_count, None, None), rows, deleted)


@pytest.mark.parametrize("rows", [9, 11, 0])
def test_rows_that_are_missing_or_too_many_do_not_meet_it(rows: int) -> None:
    assert not meets_row_count(PageMetadata(1, 10, None, None), {"A": rows, "B": 2}, {})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"Students": []}, True), ({"__DbStatus__": []}, False), ({"meta": []}, False), ({}, False)],
)
def test_data_are_told_from_a_status(answer: dict[str, Any], expected: bool) -> None:
    assert has_tables(answer) is expected


@pytest.mark.parametrize(
    ("entry", "key_field", "identity"),
    [
        ({"Id": "L"}, "Id", {"Id": "L"}),
        ({"id": 5, "QuickNote": "a secret"}, "Id", {"Id": "5"}),
        (5, "Id", {"Id": "5"}),
        ("L", "Mark", {"Mark": "L"}),
        ({"Id": "L"}, "Mark", {"Mark": "L"}),
        ({"Id": "9", "mark": "L"}, "Mark", {"Mark": "9"}),
        ({"Id": " ", "mark": "L"}, "Mark", {"Mark": "L"}),
        ("", "Id", {}),
        ({"Id": None}, "Id", {}),
        ({"Forename": "Graham"}, "Id", {}),
        (None, "Id", {}),
        ({"Id": "7"}, "", {"Id": "7"}),
    ],
)
def test_of_a_deletion_only_the_identity_under_the_tables_key_is_kept(
    entry: Any, key_field: str, identity: dict[str, str]
) -> None:
    assert identities([entry], key_field) == [identity]


@pytest.mark.parametrize(
    ("asked", "echoed", "requested"),
    [
        ("*", "*", "*"),
        ("*", " * ", "*"),
        ("*", None, None),
        ("*", "", None),
        ("db69", "DB69", "db69"),
        ("db69", "db70", "db70"),
        ("db69", "*", "*"),
        ("db69", None, None),
    ],
)
def test_what_was_asked_for_is_known_again_whatever_its_casing(
    asked: str, echoed: str | None, requested: str | None
) -> None:
    page = read_page(document(__changedRows__=[{"RequestedChangedRows": echoed}]))
    assert with_requested_hash(page, asked).facts.requested == requested


def test_a_change_set_is_never_taken_for_all() -> None:
    page = read_page(document(__changedRows__=[{"RequestedChangedRows": "deadbeef"}]))
    with pytest.raises(ContractError):
        with_requested_hash(page, "*")


@pytest.mark.parametrize(
    ("pagination", "count"),
    [
        ([{"PageSize": 1000, "RowCount": 2300}], 3),
        ([{"PageSize": "25", "RowCount": "50"}], 2),
        ([{"PageSize": 25, "RowCount": 0}], 1),
        ([{"PageSize": 0, "RowCount": 50}], 1),
        ([{"RowCount": 50}], 1),
        ({"PageSize": 25, "PageCount": 3, "RowCount": 60}, 3),
    ],
)
def test_pages_are_counted_from_the_rows_where_nobody_says_how_many(
    pagination: Any, count: int
) -> None:
    assert read_page(document(__pagination__=pagination)).facts.page_count == count


def test_a_page_says_how_large_it_could_have_been() -> None:
    assert read_page(document(__pagination__=[{"PageSize": 25}])).page_size == 25
    assert read_page(document()).page_size is None
