from datetime import UTC, datetime, timedelta

import pytest

from xporter_bridge.rotation.model import Holders, count_holders, droppable_at, fault_of

OLD, NEW = "11111111-aaaa-4aaa-8aaa-000000000001", "22222222-bbbb-4bbb-8bbb-000000000002"
VALUE = "n" * 43


def fault(value: str = VALUE, version: str = NEW) -> str:
    return fault_of(value, version, current=OLD, current_value="o" * 43)


def test_a_new_value_of_the_right_form_has_no_fault() -> None:
    assert fault() == ""


@pytest.mark.parametrize("value", ["", "n" * 42, "n" * 44, "n" * 42 + "/", "é" * 43])
def test_a_value_that_a_url_might_change_is_refused(value: str) -> None:
    assert fault(value) == "value_is_malformed"


def test_the_old_value_is_no_new_one() -> None:
    assert fault("o" * 43) == "value_is_the_old_one"


def test_two_versions_that_urls_cannot_tell_apart_are_refused() -> None:
    assert fault(version=OLD[:8] + NEW[8:]) == "key_id_is_taken"


def test_a_school_counts_as_on_the_new_key_when_all_its_webhooks_are() -> None:
    old, new = OLD[:8], NEW[:8]
    held = [{old}, {new}, {old, new}, set(), {"33333333"}]
    assert count_holders(map(frozenset, held), current=NEW, previous=OLD) == Holders(4, 1, 2)


def test_without_a_previous_version_nobody_holds_it() -> None:
    held = [frozenset({NEW[:8]}), frozenset({""})]
    assert count_holders(held, current=NEW, previous="").on_previous == 0


def test_the_old_key_outlives_every_exchange_that_began_with_it() -> None:
    changed = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
    until = droppable_at(changed, timedelta(seconds=4500))
    # A function may sign with the key that it has read for a minute after the rotation.
    assert until >= changed + timedelta(seconds=4500 + 60)
