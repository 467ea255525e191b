"""A merge, held against a dictionary that does the same."""

from collections.abc import Iterator, Mapping

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.snapshots.blocks import Block, block_of
from xporter_bridge.snapshots.merge import Merge, MergeCounts, Sinks
from xporter_bridge.snapshots.row_keys import identity_line, key_of_line, order_key

QUICK = settings(max_examples=40, deadline=None)
Table = Mapping[int, str]
IDS = st.integers(0, 40)
TABLES = st.dictionaries(IDS, st.sampled_from("abc"), max_size=40)
SIZES = st.integers(1, 7)


class Sink:
    def __init__(self) -> None:
        self.data = b""
        self.rows = 0

    def write(self, data: bytes, rows: int) -> None:
        assert data.count(b"\n") == rows
        assert data.endswith(b"\n")
        self.data += data
        self.rows += rows

    @property
    def table(self) -> dict[int, str]:
        found = [orjson.loads(line) for line in self.data.splitlines()]
        ids = [int(row["Id"]) for row in found]
        assert ids == sorted(set(ids))
        return {int(row["Id"]): row.get("V", "") for row in found}


def blocks(table: Table, size: int) -> Iterator[Block]:
    pairs = [
        (order_key(each), orjson.dumps({"Id": str(each), "V": table[each]}))
        for each in sorted(table)
    ]
    for start in range(0, len(pairs), size):
        yield block_of(pairs[start : start + size])


def merge(
    old: Table, came: Table, gone: set[int], size: int = 3, *, is_full: bool
) -> tuple[MergeCounts, dict[int, str], dict[int, str], set[int]]:
    snapshot, upserts, deletes = Sink(), Sink(), Sink()
    work = Merge(
        key_of_line("Id"),
        identity_line("Id"),
        Sinks(snapshot, upserts, deletes),
        is_full=is_full,
    )
    counts = work.run(
        blocks(old, size), blocks(came, size + 1), blocks(dict.fromkeys(gone, ""), size)
    )
    return counts, snapshot.table, upserts.table, set(deletes.table)


def check(
    old: Table, new: Table, found: tuple[MergeCounts, dict[int, str], dict[int, str], set[int]]
) -> None:
    """Hold that the difference is exact: no row more, none less, and the counts are right."""
    counts, snapshot, upserts, deletes = found
    assert snapshot == new
    assert upserts == {key: row for key, row in new.items() if old.get(key) != row}
    assert deletes == old.keys() - new.keys()
    updated = sum(key in old for key in upserts)
    assert counts == MergeCounts(
        previous=len(old),
        rows=len(new),
        inserted=len(upserts) - updated,
        updated=updated,
        deleted=len(deletes),
    )


@QUICK
@given(TABLES, TABLES, st.sets(IDS), SIZES)
def test_a_change_set_is_applied_and_its_difference_told(
    old: Table, came: Table, gone: set[int], size: int
) -> None:
    kept = {key: row for key, row in old.items() if key not in gone}
    check(old, {**kept, **came}, merge(old, came, gone, size, is_full=False))


@QUICK
@given(TABLES, TABLES, st.sets(IDS), SIZES)
def test_of_a_full_pull_the_difference_is_found(
    old: Table, came: Table, gone: set[int], size: int
) -> None:
    check(old, came, merge(old, came, gone, size, is_full=True))


def test_what_was_not_there_is_not_deleted() -> None:
    assert merge({1: "a"}, {}, {2}, is_full=False) == (
        MergeCounts(previous=1, rows=1), {1: "a"}, {}, set(),
    )  # fmt: skip


def test_a_row_that_came_and_went_has_come() -> None:
    counts, snapshot, upserts, deletes = merge({1: "a"}, {1: "b"}, {1}, is_full=False)
    assert (snapshot, upserts, deletes, counts.updated) == ({1: "b"}, {1: "b"}, set(), 1)


def test_blocks_that_nothing_touches_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bytes] = []
    lines = Block.lines
    monkeypatch.setattr(Block, "lines", lambda s: (opened.append(s.first), lines(s))[1])
    old = dict.fromkeys(range(10, 40), "a")
    check({**old}, {**old, 20: "b", 50: "c"}, merge(old, {20: "b", 50: "c"}, {5}, is_full=False))
    # Of the snapshot, the block of row 20; of what came, the block of both rows.
    assert len(opened) <= 4


@QUICK
@given(old=TABLES, came=TABLES, gone=st.sets(IDS), size=SIZES, is_full=st.booleans())
def test_deletions_that_meet_a_row_and_rows_that_only_xporter_changed_are_counted(
    old: Table, came: Table, gone: set[int], size: int, *, is_full: bool
) -> None:
    work = Merge(
        key_of_line("Id"),
        identity_line("Id"),
        Sinks(Sink(), Sink(), Sink()),
        is_full=is_full,
        is_slight=lambda _before, after: b'"a"' in after,
    )
    counts = work.run(
        blocks(old, size), blocks(came, size + 1), blocks(dict.fromkeys(gone, ""), size)
    )
    changed = {key: row for key, row in came.items() if key in old and old[key] != row}
    assert counts.slight == list(changed.values()).count("a")
    # What is deleted and comes in the same answer is met too.
    assert work.deletions_met == len(gone & old.keys())
