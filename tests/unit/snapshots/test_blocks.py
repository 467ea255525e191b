"""The union of what pages bring: shuffled, overlapping, repeated."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.errors import PageDriftError
from xporter_bridge.snapshots.blocks import (
    FAN_IN,
    Block,
    Section,
    block_of,
    distinct,
    follow_each_other,
    union,
)
from xporter_bridge.snapshots.row_keys import key_of_line, order_key

QUICK = settings(max_examples=40, deadline=None)
KEY_OF = key_of_line("Id")
IDS = st.integers(0, 60)
PAGES = st.lists(st.sets(IDS, min_size=1, max_size=12), max_size=24)


def line(identity: int, content: str = "") -> bytes:
    return b'{"Id":"%d","V":"%b"}' % (identity, content.encode())


def pair(identity: int, content: str = "") -> tuple[bytes, bytes]:
    return order_key(identity), line(identity, content)


def section(ids: set[int], content: str = "") -> Section:
    block = block_of([pair(identity, content) for identity in sorted(ids)])
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
    assert lines(union(map(section, pages), KEY_OF, no_spill)) == expected


@QUICK
@given(PAGES.filter(lambda pages: len(pages) > 1), st.data())
def test_two_different_rows_of_one_identity_are_drift(
    pages: list[set[int]], data: st.DataObject
) -> None:
    identity = data.draw(st.sampled_from(sorted(pages[0])))
    sections = [*map(section, pages), section({identity}, "other")]
    with pytest.raises(PageDriftError):
        lines(union(sections, KEY_OF, no_spill))


def test_more_runs_than_are_merged_at_a_time_are_spilled() -> None:
    spilled: list[int] = []

    def spill(blocks: Iterator[Block]) -> Callable[[], Iterator[Block]]:
        again = no_spill(blocks)
        spilled.append(len(lines(again())))
        return again

    pages = [{number, 100} for number in range(FAN_IN + 5)]
    assert len(lines(union(map(section, pages), KEY_OF, spill))) == FAN_IN + 6
    assert spilled == [FAN_IN + 1]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [([], True), ([{1, 2}], True), ([{5, 9}, {1, 2}], True), ([{1, 5}, {5, 9}], False)],
)
def test_pages_follow_each_other_unless_they_overlap(pages: list[set[int]], expected: bool) -> None:
    assert follow_each_other(map(section, pages)) is expected


def test_equal_rows_are_one_and_unequal_rows_of_one_identity_are_none() -> None:
    assert list(distinct([pair(1), pair(1), pair(2)])) == [pair(1), pair(2)]
    with pytest.raises(PageDriftError):
        list(distinct([pair(1, "a"), pair(1, "b")]))
