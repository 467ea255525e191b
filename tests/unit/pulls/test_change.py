"""When a dataset gets a new entry in the index of changes, and when not."""

from datetime import timedelta

import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.records import record, with_facts
from xporter_bridge.pulls.change import (
    CHANGE_SHARDS,
    Change,
    ChangeKind,
    change_attributes,
    change_shard,
    position_of,
    with_change,
)

LATER = NOW + timedelta(hours=1)
PUBLISHED = record(ESTAB, "students", sequence=7, manifest={"sequence": 7})


def test_a_published_sequence_gets_one_change_and_keeps_it() -> None:
    stamped = with_change(PUBLISHED, NOW)
    assert Change.read(stamped.published.change) == Change(
        NOW, ESTAB, "students", 7, ChangeKind.COMMITTED
    )
    assert with_change(stamped, LATER) is stamped


def test_the_next_sequence_changes_when_readers_find_it_and_not_before() -> None:
    stamped = with_change(PUBLISHED, NOW)
    committed = with_facts(
        stamped, sequence=8, manifest={"sequence": 8}, unpublished={"to": "from"}
    )
    assert with_change(committed, LATER) is committed
    published = with_change(with_facts(committed, unpublished=None), LATER)
    assert published.published.change.startswith("1795492800000#3281102#students#")
    assert Change.read(published.published.change).sequence == 8


def test_erased_data_is_a_change_of_its_own_kind() -> None:
    erased = with_facts(
        PUBLISHED, manifest={"sequence": 8, "erased": {"at": "x", "reason": "scope_removed"}}
    )
    change = Change.read(with_change(erased, NOW).published.change)
    assert (change.sequence, change.kind) == (8, ChangeKind.DATASET_ERASED)


def test_what_was_never_published_has_no_change_and_no_shard() -> None:
    never = record(ESTAB, "students")
    assert with_change(never, NOW) is never
    assert change_attributes(never) == {"change_shard": None}
    assert change_attributes(with_change(PUBLISHED, NOW)) == {
        "change_shard": change_shard(ESTAB, "students")
    }


@pytest.mark.parametrize("text", ["v2/of/a/later/version", "1795489200000#3281102#students#7#x"])
def test_a_change_of_another_version_is_replaced(text: str) -> None:
    strange = with_facts(PUBLISHED, change=text)
    assert Change.read(with_change(strange, NOW).published.change).kind is ChangeKind.COMMITTED


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 86_399_999])
def test_a_change_is_read_as_it_was_written_and_sorts_by_time(milliseconds: int) -> None:
    at = NOW + timedelta(milliseconds=milliseconds)
    change = Change(at, ESTAB, "students", 12, ChangeKind.DATASET_ERASED)
    assert Change.read(change.text()) == change
    later = at + timedelta(milliseconds=1)
    assert position_of(at) < change.text() < position_of(later)


def test_the_datasets_of_schools_spread_over_all_shards() -> None:
    shards = {change_shard(f"{3281000 + number}", "students") for number in range(500)}
    assert shards == set(CHANGE_SHARDS)
