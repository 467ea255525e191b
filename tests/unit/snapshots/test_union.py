"""The union of what pages bring: shuffled, overlapping, repeated."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.snapshots.blocks import Block, Repeats, Section, block_of, distinct
from xporter_bridge.snapshots.row_keys import key_of_line, order_key
from xporter_bridge.snapshots.union import FAN_IN, follow_each_other, union

QUICK = settings(max_examples=40, deadline=None)
KEY_OF = key_of_line("Id")
IDS = st.integers(0, 60)
PAGES = st.lists(st.sets(IDS, min_size=1, max_size=12), max_size=24)


def line(identity: int, content: str = "") -> bytes:
    return b'{"Id":"%d","V":"%b"}' % (identity, content.encode())


def pair(identity: int, content: str = "") -> tuple[bytes, bytes]:
    return order_key(identity), line(identity, content)


def section(ids: set[int], content: str = "") -> Section:
    return section_of(pair(identity, content) for identity in ids)


def section_of(pairs: Iterable[tuple[bytes, bytes]]) -> Section:
    block = block_of(list(distinct(sorted(pairs), Repeats())))
    return Section(block.rows, block.first, block.last, lambda: block)


def no_spill(blocks: Iterator[Block]) -> Callable[[], Iterator[Block]]:
    held = list(blocks)
    return lambda: iter(held)


def lines(blocks: Iterator[Block]) -> list[bytes]:
    found = []
    for block in blocks:
        assert block.rows == len(block.lines())
        assert (block.first, block.last) == (KEY_OF(block.lines()[0]), KEY_OF(block.lines()[-1]))
        found += block.lines()
    return found


@QUICK
@given(PAGES)
def test_the_union_holds_every_row_once_and_in_order(pages: list[set[int]]) -> None:
    expected = [line(identity) for identity in sorted(set().union(*pages))]
    assert lines(union(map(section, pages), KEY_OF, no_spill, Repeats())) == expected


ROWS = st.tuples(st.integers(0, 6), st.sampled_from("abc"))


@QUICK
@given(st.lists(st.sets(ROWS, min_size=1, max_size=9), max_size=24), st.integers(1, 3))
def test_rows_of_one_identity_are_kept_apart_and_counted(
    pages: list[set[tuple[int, str]]], size: int
) -> None:
    def chunked(blocks: Iterator[Block]) -> Callable[[], Iterator[Block]]:
        pairs = [(KEY_OF(line), line) for line in lines(blocks)]
        starts = range(0, len(pairs), size)
        return lambda: (block_of(pairs[start : start + size]) for start in starts)

    sections = [section_of(pair(*row) for row in page) for page in pages]
    every = set().union(*pages)
    met = Repeats()
    found = lines(union(sections, KEY_OF, chunked, met))
    assert found == [line(*row) for row in sorted(every)]
    if not follow_each_other(sections):
        assert met.clashes == len(every) - len({identity for identity, _ in every})
        assert met.repeats == sum(map(len, pages)) - len(every)


def test_the_same_oddities_give_the_same_evidence_in_any_order() -> None:
    def evidence(*pages: set[tuple[int, str]]) -> int:
        met = Repeats()
        lines(
            union([section_of(pair(*row) for row in page) for page in pages], KEY_OF, no_spill, met)
        )
        return met.evidence

    one, other = {(1, "a"), (2, "a")}, {(1, "b"), (3, "a")}
    assert evidence(one, other) == evidence(other, one) == evidence({(0, "a")}, one, other)
    assert len({evidence(one, other), evidence(one, one), evidence(one, {(2, "b")}), 0}) == 4


def test_more_runs_than_are_merged_at_a_time_are_spilled() -> None:
    spilled: list[int] = []

    def spill(blocks: Iterator[Block]) -> Callable[[], Iterator[Block]]:
        again = no_spill(blocks)
        spilled.append(len(lines(again())))
        return again

    met = Repeats()
    pages = [{number, 100} for number in range(FAN_IN + 5)]
    assert len(lines(union(map(section, pages), KEY_OF, spill, met))) == FAN_IN + 6
    assert (met.repeats, met.clashes) == (FAN_IN + 4, 0)
    assert spilled == [FAN_IN + 1]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [([], True), ([{1, 2}], True), ([{5, 9}, {1, 2}], True), ([{1, 5}, {5, 9}], False)],
)
def test_pages_follow_each_other_unless_they_overlap(pages: list[set[int]], expected: bool) -> None:
    assert follow_each_other(map(section, pages)) is expected


def test_equal_rows_are_one_and_unequal_rows_of_one_identity_are_two() -> None:
    met = Repeats()
    assert list(distinct([pair(1), pair(1), pair(2)], met)) == [pair(1), pair(2)]
    assert (met.repeats, met.clashes) == (1, 0)
    two = [pair(1, "a"), pair(1, "b")]
    assert list(distinct(two, met)) == two
    assert (met.repeats, met.clashes) == (1, 1)
