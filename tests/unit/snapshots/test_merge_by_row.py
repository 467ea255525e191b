"""Tables whose rows share identities, held against sets of rows."""

from collections import Counter
from collections.abc import Iterator

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.snapshots.blocks import Block, block_of
from xporter_bridge.snapshots.merge import MergeCounts, Sinks
from xporter_bridge.snapshots.merge_by_row import MergeByRow
from xporter_bridge.snapshots.row_keys import key_of_line, order_key

Row = tuple[int, str]
QUICK = settings(max_examples=60, deadline=None)
# Few identities and many values, so that one identity fills several blocks.
TABLES = st.sets(st.tuples(st.integers(0, 4), st.sampled_from("abcdefgh")))
SIZES = st.integers(1, 5)


class Sink:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(self, data: bytes, rows: int) -> None:
        found = [orjson.loads(line) for line in data.splitlines()]
        assert len(found) == rows
        self.rows += [(int(row["Id"]), row["V"]) for row in found]


def blocks(table: set[Row], size: int) -> Iterator[Block]:
    pairs = [
        (order_key(identity), orjson.dumps({"Id": str(identity), "V": value}))
        for identity, value in sorted(table)
    ]
    for start in range(0, len(pairs), size):
        yield block_of(pairs[start : start + size])


@QUICK
@given(TABLES, TABLES, SIZES, SIZES)
def test_the_difference_is_exact_and_a_changed_row_is_one_update(
    old: set[Row], new: set[Row], size: int, other_size: int
) -> None:
    snapshot, upserts, deletes = Sink(), Sink(), Sink()
    merge = MergeByRow(
        key_of_line("Id"),
        Sinks(snapshot, upserts, deletes),
        is_slight=lambda before, after: before[-3:] < after[-3:],
    )
    counts = merge.run(blocks(old, size), blocks(new, other_size))
    assert snapshot.rows == sorted(new)
    assert upserts.rows == sorted(new - old)
    assert deletes.rows == sorted(old - new)
    came, went = (Counter(identity for identity, _ in rows) for rows in (new - old, old - new))
    updated = (came & went).total()
    assert 0 <= counts.slight <= updated
    assert counts == MergeCounts(
        previous=len(old),
        rows=len(new),
        inserted=len(new - old) - updated,
        updated=updated,
        deleted=len(old - new) - updated,
        slight=counts.slight,
    )


def test_each_update_is_asked_about_with_the_row_before_and_the_row_after() -> None:
    old = {(1, "a"), (2, "d"), (3, "a"), (4, "d")}
    new = {(1, "b"), (2, "c"), (3, "c"), (5, "a")}
    asked: list[tuple[str, str]] = []

    def is_slight(before: bytes, after: bytes) -> bool:
        asked.append((orjson.loads(before)["V"], orjson.loads(after)["V"]))
        return before < after

    merge = MergeByRow(key_of_line("Id"), Sinks(Sink(), Sink(), Sink()), is_slight=is_slight)
    counts = merge.run(blocks(old, 2), blocks(new, 3))
    assert asked == [("a", "b"), ("d", "c"), ("a", "c")]
    assert (counts.updated, counts.slight, counts.inserted, counts.deleted) == (3, 2, 1, 1)
