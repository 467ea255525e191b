"""Answers that the simulator does not give, and that a real Xporter might."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest

from tests.support.builders import ESTAB
from tests.support.pull_world import World, configure, in_memory
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import XporterUnavailableError
from xporter_bridge.exact_json import Document
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.ingestion import staged_pages
from xporter_bridge.ingestion.build_sequence import SequenceBuilder
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.page_file import pack, page_key, unpack_header
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.pulls import model as pulls
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.snapshots.compression import compress, decompress
from xporter_bridge.snapshots.encode_rows import rendered
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.client import Token, TokenDetails
from xporter_bridge.xporter.endpoints import find
from xporter_bridge.xporter.pages import PageMetadata

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

    def token_details(self, token: str) -> TokenDetails:
        return TokenDetails(ESTAB, "live.example.app", ("Student",))

    def school_data(
        self, estab: str, resource: str, token: str, query: Query, *, read_seconds: float
    ) -> Answer:
        self.asked.append(query)
        return self.answer(query)


@pytest.fixture
def world(xporter: Xporter) -> World:
    return World(in_memory(), xporter)


def answering(world: World, answer: Callable[[Query], Answer], name: str = STUDENTS) -> Scripted:
    """Let Xporter answer so, and pull."""
    scripted = Scripted(answer)
    world.deps.sessions.xporter = cast("Any", scripted)
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


def firsts(scripted: Scripted) -> int:
    return sum(query["page"] == "1" for query in scripted.asked)


def ids(world: World, table: str = "Students", name: str = STUDENTS) -> list[Any]:
    return [
        row.get("Id") for row in world.rows(world.latest(name)["tables"][table]["snapshot_key"])
    ]


# ---------------------------------------------------------------------- small and empty


def test_an_empty_answer_is_an_empty_table(world: World) -> None:
    answering(world, lambda _: page(of=0, Students=[]))
    assert (ids(world), world.item(STUDENTS).state) == ([], DatasetState.CURRENT)


def test_a_table_may_become_empty_and_be_filled_again(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1", "2")))
    answering(world, lambda _: page(of=0, Students=[]))
    assert (ids(world), world.item(STUDENTS).state) == (["1", "2"], DatasetState.HELD)
    world.aws.datasets.decide(ESTAB, STUDENTS, "approve", world.clock)
    world.pull(STUDENTS)
    assert (ids(world), world.item(STUDENTS).published.sequence) == ([], 2)
    answering(world, lambda _: page(Students=rows("3")))
    assert (ids(world), world.item(STUDENTS).published.sequence) == (["3"], 3)


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
    deletes = DatasetLayout(ESTAB, STUDENTS).change("Students", 2, "deletes")
    assert world.rows(deletes) == [{"Id": "1"}]


def test_a_page_that_is_as_full_as_it_may_be_is_not_taken_for_all(world: World) -> None:
    answering(world, lambda _: {"Students": rows(*range(25)), "__pagination__": [{"PageSize": 25}]})
    assert world.item(STUDENTS).reason == "full_page_without_pagination"


def test_a_hash_over_which_xporter_fails_again_and_again_begins_the_chain_anew(
    world: World,
) -> None:
    answering(world, lambda query: chained(query, "h1", Students=rows("1", "2")))

    def failing(query: Query) -> Answer:
        if query["changedRows"] != "*":
            raise XporterUnavailableError("xporter_500")
        return chained(query, "h2", Students=rows("1", "3"))

    for failures in (1, 2, 3):
        answering(world, failing)
        assert (world.item(STUDENTS).progress.failures, ids(world)) == (failures, ["1", "2"])
        world.advance(hours=1)
    answering(world, failing)
    assert (world.item(STUDENTS).progress.failures, ids(world)) == (0, ["1", "3"])


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


def test_pages_that_repeat_a_row_are_believed_when_they_do_so_again(world: World) -> None:
    scripted = answering(world, lambda q: page(int(q["page"]), 2, 4, Students=rows("1", "2")))
    # Twice, and each time once more at the end.
    assert (ids(world), firsts(scripted)) == (["1", "2"], 4)


def test_pages_that_repeat_another_row_each_time_are_not_believed(world: World) -> None:
    asked = itertools.count()

    def answer(query: Query) -> Answer:
        number = int(query["page"])
        shown = rows("1", "2") if number == 1 else rows(str(3 + next(asked)), "1")
        return page(number, 2, 4, Students=shown)

    scripted = answering(world, answer)
    item = world.item(STUDENTS)
    assert (item.published.sequence, item.reason) == (0, "pages_kept_moving")
    assert firsts(scripted) == 2 * pulls.MAX_RESTARTS


@pytest.mark.parametrize("announced", [1, 3, 50])
def test_a_count_that_no_rows_explain_is_believed_when_it_comes_again(
    world: World, announced: int, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted = answering(world, lambda q: page(1, 1, announced, Students=rows("1", "2")))
    assert (ids(world), firsts(scripted)) == (["1", "2"], 2)
    # Where rows would be lost by it, a person decides.
    answering(world, lambda q: page(1, 1, announced + 9, Students=rows("1")))
    item = world.item(STUDENTS)
    assert (item.state, ids(world)) == (DatasetState.HELD, ["1", "2"])
    answering(world, lambda q: page(1, 1, 3, Students=rows("1", "2", "3")))
    assert (world.item(STUDENTS).state, len(ids(world))) == (DatasetState.CURRENT, 3)
    lines = [orjson.loads(each) for each in capsys.readouterr().out.splitlines()]
    reasons = {line["reason"] for line in lines if line.get("message") == "pull_restarted"}
    assert reasons == {"row_count_not_met"}


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


def test_rows_that_move_between_two_pages_of_an_endpoint_without_hashes_are_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "CONCURRENT_PAGES", 1)
    school = ["1", "2", "3", "4"]

    def answer(query: Query) -> Answer:
        number = int(query["page"])
        if number == 2:  # After page 1 was taken "1" has gone and "5" has come.
            school[:] = ["2", "3", "4", "5"]
        return page(number, 2, 4, Students=rows(*school[2 * number - 2 : 2 * number]))

    scripted = answering(world, answer)
    assert ids(world) == ["2", "3", "4", "5"]
    assert [query["page"] for query in scripted.asked] == ["1", "2", "1", "1", "2", "1"]


@pytest.mark.parametrize(("rows_per_page", "name"), [("1000", STUDENTS), ("50", "photos")])
def test_fewer_rows_are_asked_for_where_they_hold_pictures(
    world: World, rows_per_page: str, name: str
) -> None:
    endpoint = replace(find(name), scope="*")
    configure(world.aws.datasets, Dataset(name=name, endpoint=endpoint))
    table = next(iter(endpoint.tables))
    answer = lambda q: page(int(q["page"]), 2, 2, **{table: rows(q["page"])})  # noqa: E731
    scripted = answering(world, answer, name)
    assert {query["pageSize"] for query in scripted.asked} == {rows_per_page}
    assert len(ids(world, table, name)) == 2


@pytest.mark.parametrize(("bytes_in_flight", "most"), [(1, 1), (250_000, 2), (10**9, 8)])
def test_as_many_pages_are_under_way_as_their_size_allows(
    world: World, monkeypatch: pytest.MonkeyPatch, bytes_in_flight: int, most: int
) -> None:
    monkeypatch.setattr(fetching, "_BYTES_IN_FLIGHT", bytes_in_flight)
    under_way, met = [], set()

    def answer(query: Query) -> Answer:
        under_way.append(query)
        time.sleep(0.01)
        met.add(len(under_way))
        under_way.pop()
        wide = [{"Id": query["page"], "Note": "x" * 100_000}]
        return {**chained(query, "h1", count=20, of=20, Students=wide)}

    answering(world, answer)
    assert len(ids(world)) == 20
    assert max(met) <= most
    assert (max(met) > 1) is (most > 1)


# ---------------------------------------------------------------------- names of tables


def test_a_table_whose_name_changes_its_casing_stays_one_table(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    changed = [{"Id": "2", "Forename": "New"}]
    answering(world, lambda q: chained(q, "h2", students=changed, students_deleted=[{"Id": "3"}]))
    tables = world.latest(STUDENTS)["tables"]
    assert list(tables) == ["Students"]
    assert world.rows(tables["Students"]["snapshot_key"]) == [*rows("1"), *changed]
    assert world.item(STUDENTS).noticed.reported_columns == {"recased": ["students.*"]}


def test_a_table_is_called_as_the_catalogue_has_it_from_the_first_pull_on(world: World) -> None:
    answering(world, lambda _: page(count=2, STUDENTS=rows("1"), Students=rows("2"), Novel=[]))
    assert list(world.latest(STUDENTS)["tables"]) == ["Students", "Novel"]
    assert ids(world) == ["1", "2"]


@pytest.mark.parametrize(
    "name", ["StudentMedicalConditions", "sensitivedata_SEN", "SafeguardingLog"]
)
def test_a_table_that_nobody_has_catalogued_and_that_sounds_sensitive_is_not_stored(
    world: World, name: str
) -> None:
    unknown = {name: [{"Id": "9", "Note": "x"}]}
    answering(world, lambda q: chained(q, "a" * 32, Students=rows("1"), **unknown))
    assert list(world.latest(STUDENTS)["tables"]) == ["Students"]
    assert world.item(STUDENTS).noticed.reported_columns == {"withheld": [f"{name}.*"]}
    deleted = {**unknown, f"{name}_deleted": [{"Id": "9"}]}
    answering(world, lambda q: chained(q, "b" * 32, Students=rows("2"), **deleted))
    assert (list(world.latest(STUDENTS)["tables"]), ids(world)) == (["Students"], ["1", "2"])


def test_a_table_that_an_answer_does_not_name_waits_for_a_person(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1", "2"), StudentSiblings=rows("7")))
    answering(world, lambda _: page(Students=rows("1", "2")))
    item = world.item(STUDENTS)
    assert (item.state, item.published.sequence) == (DatasetState.HELD, 1)
    assert item.reason == "StudentSiblings: absent from the answer"
    world.aws.datasets.decide(ESTAB, STUDENTS, "approve", world.clock)
    world.pull(STUDENTS)
    assert ids(world, "StudentSiblings") == []
    answering(world, lambda _: page(Students=rows("1", "2", "3")))
    assert (ids(world), world.item(STUDENTS).state) == (["1", "2", "3"], DatasetState.CURRENT)


def test_a_table_that_is_no_longer_asked_for_goes(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1"), StudentSiblings=rows("7")))
    configure(world.aws.datasets, replace(configured()[STUDENTS], options=()))
    answering(world, lambda _: page(Students=rows("1")))
    assert (ids(world, "StudentSiblings"), world.item(STUDENTS).published.sequence) == ([], 2)


def test_a_table_that_a_change_set_does_not_name_did_not_change(world: World) -> None:
    both = {"Students": rows("1"), "StudentSiblings": rows("7")}
    answering(world, lambda q: chained(q, "h1", **both))
    answering(world, lambda q: chained(q, "h2", Students=rows("2")))
    assert (ids(world), ids(world, "StudentSiblings")) == (["1", "2"], ["7"])


# ---------------------------------------------------------------------- change sets


def test_a_change_set_that_comes_for_all_is_not_taken_for_all(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    other = {"RequestedChangedRows": "deadbeef", "NextChangedRows": "h9"}
    answering(world, lambda _: {**page(Students=rows("1")), "__changedRows__": [other]})
    item = world.item(STUDENTS)
    assert (item.state, item.reason) == (DatasetState.FAILED, "change_set_in_place_of_all")
    assert ids(world) == ["1", "2", "3"]


def test_an_echo_in_another_casing_is_an_echo(world: World) -> None:
    answering(world, lambda q: chained(q, "ab1", Students=rows("1")))
    link = {"RequestedChangedRows": " AB1", "NextChangedRows": "ab2"}
    scripted = answering(world, lambda _: {**page(Students=rows("2")), "__changedRows__": [link]})
    assert [query["changedRows"] for query in scripted.asked] == ["ab1"]
    assert ids(world) == ["1", "2"]


def test_a_reply_that_does_not_echo_our_hash_begins_the_chain_anew(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows(*range(30))))

    def answer(query: Query) -> Answer:
        if query["changedRows"] != "*":
            return {**page(Students=rows("99")), "__changedRows__": [{"NextChangedRows": "h2"}]}
        return chained(query, "h2", Students=rows(*range(31)))

    answering(world, answer)
    assert len(ids(world)) == 31
    assert world.item(STUDENTS).chain.next_changed_rows == "h2"


def test_deletions_are_seen_where_the_table_itself_is_not_named(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    answering(world, lambda q: {**chained(q, "h2"), "Students_deleted": [{"Id": "2"}]})
    assert ids(world) == ["1", "3"]


@pytest.mark.parametrize("entry", [{"Id": "2"}, {"id": 2}, "2", 2])
def test_a_deletion_may_be_written_in_several_ways(world: World, entry: Any) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2", "3")))
    answering(world, lambda q: {**chained(q, "h2", Students=[]), "Students_deleted": [entry]})
    assert ids(world) == ["1", "3"]


@pytest.mark.parametrize("entry", ["L", {"Id": "L"}, {"mark": "L", "Description": "Late"}])
def test_a_deletion_names_a_row_by_the_key_of_its_table(world: World, entry: Any) -> None:
    name = "attendancecodes"
    answering(world, lambda q: chained(q, "h1", AttendCodes=[{"Mark": "/"}, {"Mark": "L"}]), name)
    gone = {"AttendCodes": [], "AttendCodes_deleted": [entry]}
    answering(world, lambda q: chained(q, "h2", **gone), name)
    tables = world.latest(name)["tables"]
    assert world.rows(tables["AttendCodes"]["snapshot_key"]) == [{"Mark": "/"}]


def test_of_a_deleted_row_nothing_is_stored_but_its_identity(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2")))
    staged: list[bytes] = []
    monkeypatch.setattr(staged_pages, "_KEPT_BYTES", 0)
    stage = SnapshotStore.stage
    monkeypatch.setattr(SnapshotStore, "stage", lambda s, k, b: (staged.append(b), stage(s, k, b)))
    whole = [{"Id": 2, "QuickNote": "a secret"}, {"Id": "2", "QuickNote": "another"}]
    answering(world, lambda q: chained(q, "h2", count=1, Students=[], Students_deleted=whole))
    assert ids(world) == ["1"]
    [body] = staged
    place = unpack_header(body).sections["Students_deleted"]
    assert decompress(body[place.start : place.end]) == b'{"Id":"2"}\n'


def test_what_is_deleted_and_given_again_stays(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2")))
    answering(
        world, lambda q: {**chained(q, "h2", Students=rows("2")), "Students_deleted": [{"Id": "2"}]}
    )
    assert (ids(world), world.item(STUDENTS).published.sequence) == (["1", "2"], 1)


# ---------------------------------------------------------------------- identities


def test_rows_without_an_id_are_rows_all_the_same(world: World) -> None:
    odd = [{"Id": None, "Forename": "A"}, {"Id": None, "Forename": "B"}, {"Forename": "C"}]
    answering(world, lambda _: page(Students=[*rows("1"), *odd]))
    assert len(ids(world)) == 4
    answering(world, lambda _: page(Students=[*rows("1"), *odd[1:]]))
    deletes = DatasetLayout(ESTAB, STUDENTS).change("Students", 2, "deletes")
    assert world.rows(deletes) == [odd[0]]


def test_a_table_without_identities_may_repeat_its_rows(world: World) -> None:
    endpoint = find("userdefinedfields")
    dataset = Dataset(name="udfs", endpoint=replace(endpoint, scope="*"))
    configure(world.aws.datasets, dataset)
    row = {"UDFType": "Student", "UDFName": "Locker Number"}
    answering(world, lambda _: page(UDFs=[row, row, {**row, "UDFName": "Bus"}]), "udfs")
    assert world.latest("udfs")["tables"]["UDFs"]["rows"] == 2


def test_two_rows_of_one_id_in_a_change_set_are_compared_with_the_whole(world: World) -> None:
    twice = [{"Id": "1", "Forename": "A"}, {"Id": "1", "Forename": "B"}]
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2")))
    scripted = answering(
        world,
        lambda q: chained(
            q, "h2", Students=[*twice, *rows("2")][: 3 if q["changedRows"] == "*" else 2]
        ),
    )
    assert [query["changedRows"] for query in scripted.asked] == ["h1", "*"]
    assert ids(world) == ["1", "1", "2"]
    entry = world.latest(STUDENTS)["tables"]["Students"]
    assert world.rows(entry["deletes_key"]) == rows("1")
    assert world.rows(entry["upserts_key"]) == twice
    assert (entry["identity"], entry["repeated"], world.staged()) == ("row", 1, [])


def test_rows_without_an_id_are_never_followed_by_a_change_set(world: World) -> None:
    nameless = {"Id": None, "Forename": "A"}
    answering(world, lambda q: chained(q, "h1", Students=[nameless, nameless, *rows("1")]))
    assert ids(world) == ["1", None]
    renamed = {"Id": None, "Forename": "B"}
    scripted = answering(world, lambda q: chained(q, "h2", Students=[renamed, *rows("1")]))
    assert scripted.asked[0]["changedRows"] == "*"
    answering(world, lambda q: chained(q, "h3", Students=rows("1", "2")))
    assert ids(world) == ["1", "2"]
    scripted = answering(world, lambda q: chained(q, "h4", Students=rows("3")))
    assert scripted.asked[0]["changedRows"] == "h3"


def test_a_deletion_that_names_no_row_is_found_by_comparing(world: World) -> None:
    answering(world, lambda q: chained(q, "h1", Students=rows("1", "2")))
    answering(world, lambda q: chained(q, "h2", Students=[], Students_deleted=[{"Id": None}]))
    assert ids(world) == ["1", "2"]
    scripted = answering(world, lambda q: chained(q, "h3", Students=rows("1")))
    assert (scripted.asked[0]["changedRows"], ids(world)) == ("*", ["1"])


def test_a_pull_goes_on_after_a_page_of_a_long_row_without_an_id(world: World) -> None:
    long = {"Id": None, "Note": "x" * 70_000}
    is_down = True

    def answer(query: Query) -> Answer:
        number = int(query["page"])
        if number == 2 and is_down:
            raise XporterUnavailableError("xporter_500")
        return page(number, 2, 3, Students=[long, *rows("1")] if number == 1 else rows("2"))

    answering(world, answer)
    assert (world.item(STUDENTS).reason, len(world.staged())) == ("xporter_500", 1)
    is_down = False
    world.advance(minutes=1)
    world.pull(STUDENTS)
    assert ids(world) == ["1", "2", None]


def test_an_id_of_seventy_thousand_digits_is_an_id(world: World) -> None:
    answering(world, lambda _: page(Students=rows("1" * 70_000, "2")))
    assert ids(world) == ["2", "1" * 70_000]


@pytest.mark.parametrize(
    "answer", [{"Students": ["no row"]}, {"Students": [[]]}, {"Students": [7]}]
)
def test_an_answer_that_cannot_be_is_a_failure_that_keeps_what_there_was(
    world: World, answer: Answer
) -> None:
    answering(world, lambda _: page(Students=rows("1")))
    answering(world, lambda _: answer)
    assert (world.item(STUDENTS).state, ids(world)) == (DatasetState.FAILED, ["1"])


# ---------------------------------------------------------------------- values


def answered(text: bytes) -> Callable[[Query], Answer]:
    """Return an Xporter that answers this to the byte, as the adapter reads it."""
    return lambda _: Document(orjson.loads(text), text)


def test_numbers_beyond_64_bits_are_stored_as_they_came(world: World) -> None:
    rows_ = (
        b'{"Id":"1","N":12345678901234567890123},{"Id":12345678901234567890123},'
        b'{"Id":12345678901234567890124,"N":0.10}'
    )
    answering(world, answered(b'{"Students":[' + rows_ + b"]}"))
    key = world.latest(STUDENTS)["tables"]["Students"]["snapshot_key"]
    assert gzip.decompress(world.aws.objects("data")[key]) == (
        b'{"Id":"1","N":12345678901234567890123}\n{"Id":12345678901234567890123}\n'
        b'{"Id":12345678901234567890124,"N":0.1}\n'
    )


def test_columns_that_nobody_has_catalogued_may_hide_nothing(world: World) -> None:
    hiding = {"Id": "1", "Extra": {"Religion": "x"}, "More": [1], "Plain": "{}", "Forename": "A"}
    answering(world, lambda _: page(Students=[hiding, {"Id": "2", "Extra": "plain"}]))
    key = world.latest(STUDENTS)["tables"]["Students"]["snapshot_key"]
    kept = {"Id": "1", "Plain": "{}", "Forename": "A"}
    assert world.rows(key) == [kept, {"Id": "2", "Extra": "plain"}]
    reported = world.item(STUDENTS).noticed.reported_columns
    assert reported == {"withheld": ["Students.Extra", "Students.More"]}


# ---------------------------------------------------------------------- two holders


def test_a_page_that_a_fenced_out_holder_writes_late_is_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_pages, "_KEPT_BYTES", 0)
    assemble = SequenceBuilder.assemble

    def late(self: SequenceBuilder, pages: StagedPages, *rest: Any, **more: Any) -> Any:
        other = StagedPages(pages.store, pages.prefix, pages.fence - 1)
        block = rendered(rows("3", "5"), "Id")
        other.add(2, pack(pages.headers[2].facts, {"Students": block}, {}, compress))
        return assemble(self, pages, *rest, **more)

    monkeypatch.setattr(SequenceBuilder, "assemble", late)
    answering(world, lambda q: page(int(q["page"]), 2, 2, Students=rows(q["page"])))
    assert ids(world) == ["1", "2"]


def test_of_two_holders_pages_the_later_ones_are_read_and_unreadable_ones_fetched_again(
    world: World,
) -> None:
    store = world.aws.store
    policy = ColumnPolicy(configured()[STUDENTS], {})
    for fence, ids_ in ((9, "1"), (10, "2")):
        body = pack(
            PageMetadata(2, 2, None, None), {"Students": rendered(rows(ids_), "Id")}, {}, compress
        )
        store.stage(page_key("staging/p/", 1, fence), body)
    store.stage(page_key("staging/p/", 2, 9), b"x" * 70_000)
    pages = StagedPages(store, "staging/p/", 11)
    pages.recover(policy)
    assert list(pages.headers) == [1]
    [section] = pages.sections("Students")
    assert section.load().lines() == [b'{"Id":"2","Forename":"Pupil 2"}']
