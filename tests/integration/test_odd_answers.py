"""Answers that the simulator does not give, and that a real Xporter might."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.builders import ESTAB
from tests.integration.pulling import World, in_memory
from tests.xporter import Xporter
from xporter_bridge import pulls
from xporter_bridge.adapters.xporter_api import Token
from xporter_bridge.catalogue import find
from xporter_bridge.datasets import Dataset, configured
from xporter_bridge.manifests import Place
from xporter_bridge.pulls import DatasetState
from xporter_bridge.use_cases import fetching

STUDENTS = "students"
Query = Mapping[str, str]
Answer = dict[str, Any]


class Scripted:
    """An Xporter that answers as it is told."""

    def __init__(self, answer: Callable[[Query], Answer]) -> None:
        self.answer = answer
        self.asked: list[Query] = []
        self.expires_at = datetime.max.replace(tzinfo=UTC)

    def get_token(self, estab: str, relying_party: str, secret: str) -> Token:
        return Token("token", self.expires_at)

    def school_data(self, estab: str, resource: str, token: str, query: Query) -> Answer:
        self.asked.append(query)
        return self.answer(query)


@pytest.fixture
def world(xporter: Xporter) -> World:
    return World(in_memory(), xporter)


def answering(world: World, answer: Callable[[Query], Answer], name: str = STUDENTS) -> Scripted:
    """Let Xporter answer so, and pull."""
    scripted = Scripted(answer)
    world.desk.sessions.xporter = cast("Any", scripted)
    world.ask(name)
    world.deliver()
    return scripted


def rows(*ids: object) -> list[dict[str, Any]]:
    return [{"Id": each, "Forename": f"Pupil {each}"} for each in ids]


def page(number: int = 1, of: int = 1, count: int | None = None, **tables: Any) -> Answer:
    rows_ = count if count is not None else max(map(len, tables.values()), default=0)
    return {
        **tables,
        "meta": [{"DateTime": "2026-11-24T02:25:06.223"}] if number == 1 else [],
        "__pagination__": [{"PageNumber": number, "PageCount": of, "RowCount": rows_}],
    }


def chained(query: Query, following: str, **tables: Any) -> Answer:
    link = {"RequestedChangedRows": query["changedRows"], "NextChangedRows": following}
    return {**page(**tables), "__changedRows__": [link]}


def ids(world: World, table: str = "Students", name: str = STUDENTS) -> list[Any]:
    return [
        row.get("Id") for row in world.rows(world.latest(name)["tables"][table]["snapshot_key"])
    ]


def set_dataset(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    monkeypatch.setattr(pulls, "configured", lambda: {**configured(), dataset.name: dataset})


# ---------------------------------------------------------------------- small and empty


def test_an_empty_answer_is_an_empty_table(world: World) -> None:
    answering(world, lambda _: page(of=0, Students=[]))
    assert (ids(world), world.item(STUDENTS).state) == ([], DatasetState.CURRENT)


def test_a_table_may_become_empty_and_be_filled_again(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1", "2")))
    answering(world, lambda _: page(of=0, Students=[]))
    assert (ids(world), world.item(STUDENTS).sequence) == ([], 2)
    answering(world, lambda _: page(Students=rows("3")))
    assert (ids(world), world.item(STUDENTS).sequence) == (["3"], 3)


@pytest.mark.parametrize("answer", [{}, {"__DbStatus__": [{"Name": "X", "Status": "Pending"}]}])
def test_an_answer_without_any_table_takes_nothing_away(world: World, answer: Answer) -> None:
    answering(world, lambda _: page(Students=rows("1", "2")))
    answering(world, lambda _: answer)
    item = world.item(STUDENTS)
    assert (item.reason, item.is_due, ids(world)) == ("answer_without_tables", True, ["1", "2"])


# ---------------------------------------------------------------------- paging


def test_without_change_sets_the_difference_is_found_all_the_same(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1", "2", "3")))
    scripted = answering(world, lambda _: page(Students=rows("2", "3", "4")))
    assert scripted.asked[0]["changedRows"] == "*"
    assert ids(world) == ["2", "3", "4"]
    deletes = Place(ESTAB, STUDENTS).change("Students", 2, "deletes")
    assert world.rows(deletes) == [{"Id": "1"}]


def test_a_full_page_without_paging_is_not_taken_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PAGE_SIZE", 5)
    answering(world, lambda _: {"Students": rows(*range(5))})
    item = world.item(STUDENTS)
    assert (item.state, item.reason) == (DatasetState.FAILED, "full_page_without_pagination")
    answering(world, lambda _: {"Students": rows(*range(4))})
    assert world.item(STUDENTS).state is DatasetState.CURRENT


def test_a_side_table_that_comes_whole_with_every_page_is_kept_once(world: World) -> None:
    whole = rows("7", "8")

    def answer(query: Query) -> Answer:
        number = int(query["page"])
        return page(number, 2, 4, Students=rows(number * 2, number * 2 + 1), StudentSiblings=whole)

    answering(world, answer)
    assert ids(world) == [2, 3, 4, 5]
    assert ids(world, "StudentSiblings") == ["7", "8"]


def test_pages_that_come_in_any_order_of_ids_are_put_in_order(world: World) -> None:
    numbers = {1: ["30", "4", "x"], 2: ["10", "5", "31"], 3: ["2", "b", "1"]}
    answering(world, lambda q: page(int(q["page"]), 3, 9, Students=rows(*numbers[int(q["page"])])))
    assert ids(world) == ["1", "2", "4", "5", "10", "30", "31", "b", "x"]


def test_pages_that_repeat_a_row_and_leave_one_out_are_not_believed(world: World) -> None:
    answering(world, lambda q: page(int(q["page"]), 2, 4, Students=rows("1", "2")))
    item = world.item(STUDENTS)
    assert (item.sequence, item.reason) == (0, "pages_kept_moving")


def test_a_long_pull_proves_at_its_end_that_it_was_one_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    firsts: list[Query] = []

    def answer(query: Query) -> Answer:
        number = int(query["page"])
        made = page(number, 10, 10, Students=rows(number))
        if number == 1:
            firsts.append(query)
            made["meta"] = [{"DateTime": f"2026-11-24T02:2{min(len(firsts), 2)}:00"}]
        return made

    answering(world, answer)
    # Begun at 02:21, ended at 02:22: pulled again, and then it stood still.
    assert len(firsts) == 4
    assert world.latest(STUDENTS)["as_of"] == "2026-11-24T02:22:00.000Z"


# ---------------------------------------------------------------------- change sets


def test_a_reply_that_does_not_echo_our_hash_begins_the_chain_anew(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows(*range(30))))

    def answer(query: Query) -> Answer:
        if query["changedRows"] != "*":
            return {**page(Students=rows("99")), "__changedRows__": [{"NextChangedRows": "h2"}]}
        return chained(query, "h2", Students=rows(*range(31)))

    answering(world, answer)
    assert len(ids(world)) == 31
    assert world.item(STUDENTS).next_changed_rows == "h2"


def test_deletions_are_seen_where_the_table_itself_is_not_named(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    answering(world, lambda q: {**chained(q, "h2"), "Students_deleted": [{"Id": "2"}]})
    assert ids(world) == ["1", "3"]


@pytest.mark.parametrize("entry", [{"Id": "2"}, {"id": 2}, "2", 2])
def test_a_deletion_may_be_written_in_several_ways(world: World, entry: Any) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    answering(world, lambda q: {**chained(q, "h2", Students=[]), "Students_deleted": [entry]})
    assert ids(world) == ["1", "3"]


def test_what_is_deleted_and_given_again_stays(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2")))
    answering(
        world, lambda q: {**chained(q, "h2", Students=rows("2")), "Students_deleted": [{"Id": "2"}]}
    )
    assert (ids(world), world.item(STUDENTS).sequence) == (["1", "2"], 1)


# ---------------------------------------------------------------------- identities


def test_rows_without_an_id_are_rows_all_the_same(world: World) -> None:
    odd = [{"Id": None, "Forename": "A"}, {"Id": None, "Forename": "B"}, {"Forename": "C"}]
    answering(world, lambda _: page(Students=[*rows("1"), *odd]))
    assert len(ids(world)) == 4
    answering(world, lambda _: page(Students=[*rows("1"), *odd[1:]]))
    deletes = Place(ESTAB, STUDENTS).change("Students", 2, "deletes")
    assert world.rows(deletes) == [odd[0]]


def test_a_table_without_identities_may_repeat_its_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = find("userdefinedfields")
    dataset = Dataset(name="udfs", endpoint=replace(endpoint, scope="*"))
    set_dataset(monkeypatch, dataset)
    row = {"UDFType": "Student", "UDFName": "Locker Number"}
    answering(world, lambda _: page(UDFs=[row, row, {**row, "UDFName": "Bus"}]), "udfs")
    assert world.latest("udfs")["tables"]["UDFs"]["rows"] == 2


def test_two_rows_of_one_id_are_reported_and_not_guessed_at(world: World) -> None:
    twice = [{"Id": "1", "Forename": "A"}, {"Id": "1", "Forename": "B"}]
    answering(world, lambda _: page(Students=twice))
    item = world.item(STUDENTS)
    assert (item.sequence, item.reason, world.staged()) == (0, "pages_kept_moving", [])


@pytest.mark.parametrize(
    "answer", [{"Students": ["no row"]}, {"Students": [], "meta": [{"DateTime": "?"}]}]
)
def test_an_answer_that_cannot_be_is_a_failure_that_keeps_what_there_was(
    world: World, answer: Answer
) -> None:
    answering(world, lambda _: page(Students=rows("1")))
    answering(world, lambda _: answer)
    assert (world.item(STUDENTS).state, ids(world)) == (DatasetState.FAILED, ["1"])
