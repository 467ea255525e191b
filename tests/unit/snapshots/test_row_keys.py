"""The order of rows, and the keys that sort as it."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.snapshots.row_keys import (
    identity_line,
    identity_of,
    is_without_identity,
    key_of_line,
    line_key,
    order_key,
    order_keys,
)

QUICK = settings(max_examples=40, deadline=None)
NUMBERS = st.integers(0, 10**30).map(str)
TEXTS = st.one_of(
    NUMBERS, st.text(), st.from_regex(r"0{0,3}[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
)


@QUICK
@given(st.lists(NUMBERS))
def test_numbers_sort_by_value(numbers: list[str]) -> None:
    assert sorted(numbers, key=order_key) == sorted(numbers, key=int)


@QUICK
@given(st.lists(TEXTS))
def test_text_sorts_after_numbers_and_by_code_point(texts: list[str]) -> None:
    ordered = sorted(texts, key=order_key)
    kinds = [text.isascii() and text.isdigit() for text in ordered]
    assert kinds == sorted(kinds, reverse=True)
    words = [text for text, is_number in zip(ordered, kinds, strict=True) if not is_number]
    assert words == sorted(words)


@QUICK
@given(TEXTS, TEXTS)
def test_keys_are_equal_only_for_the_same_identity(one: str, other: str) -> None:
    assert (order_key(one) == order_key(other)) is (one == other)


def test_a_number_is_the_same_identity_as_its_text() -> None:
    assert order_key(7) == order_key("7")
    assert order_key("07") != order_key("7")


def test_an_id_wins_over_the_key_of_the_table_and_that_over_nothing() -> None:
    assert identity_of({"Mark": "L", "id": 7}, "Mark") == 7
    assert identity_of({"Mark": "L", "Id": " "}, "Mark") == "L"
    assert identity_of({"mark": "L"}, "Mark") == "L"
    assert identity_of({"Mark": "L"}, "") is None
    for line, kept in (
        (b'{"Mark":"L","Id":"7","Text":"Late"}', b'{"Id":"7"}'),
        (b'{"Mark":"L","Id":"","Text":"Late"}', b'{"Mark":"L"}'),
        (b'{"Mark":"","Text":"Late"}', b'{"Mark":"","Text":"Late"}'),
    ):
        assert identity_line("Mark")(line) == kept


@pytest.mark.parametrize(
    ("row", "identity"),
    [
        ({"Id": "7", "A": 1}, "7"),
        ({"A": 1, "iD": "7"}, "7"),
        ({"A": 1}, None),
        ({"Id": None, "A": 1}, None),
    ],
)
def test_a_row_is_identified_by_its_id_whatever_its_casing(
    row: dict[str, object], identity: object
) -> None:
    assert identity_of(row, "Id") == identity


@pytest.mark.parametrize(
    ("line", "key_field"), [(b'{"A":1}', "Id"), (b'{"Id":null}', "Id"), (b'{"":"x","Id":" "}', "")]
)
def test_a_row_without_an_identity_is_told_by_all_of_it_and_comes_last(
    line: bytes, key_field: str
) -> None:
    key = key_of_line(key_field)(line)
    assert key == line_key(line)
    assert is_without_identity(key)
    assert key > order_key("\U0010ffff" * 999)


@QUICK
@given(st.integers(500, 530), st.integers(500, 530), st.sampled_from("1x"))
def test_an_identity_of_any_length_has_a_short_key_of_its_own(
    one: int, other: int, char: str
) -> None:
    keys = order_keys([char * one, char * other])
    assert keys == [order_key(char * one), order_key(char * other)]
    assert (keys[0] == keys[1]) is (one == other)
    assert max(map(len, keys)) < 600
    assert not any(map(is_without_identity, keys))


def test_seventy_thousand_digits_are_an_identity_like_any_other() -> None:
    assert order_keys(["1" * 70_000, "1" * 70_000]) == [order_key("1" * 70_000)] * 2


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["A", "id", "Id", "Z"]), st.one_of(TEXTS, st.none(), st.integers())
    )
)
def test_the_key_of_a_line_is_the_key_of_its_row(row: dict[str, object]) -> None:
    try:
        line = orjson.dumps(row)
    except orjson.JSONEncodeError:
        return
    identity = identity_of(row, "Id")
    expected = line_key(line) if identity is None else order_key(identity)
    assert key_of_line("Id")(line) == expected


def test_a_number_beyond_64_bits_identifies_by_every_digit() -> None:
    assert key_of_line("Id")(b'{"Id":12345678901234567890123}') == order_key(
        12345678901234567890123
    )


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"Id":"7","Surname":"Abbess"}', b'{"Id":"7"}'),
        (b'{"Surname":"Abbess","id":7}', b'{"id":7}'),
        (b'{"Area":"x"}', b'{"Area":"x"}'),
        (b'{"Id":null,"Area":"x"}', b'{"Id":null,"Area":"x"}'),
        (b'{"Id":" ","Area":"x"}', b'{"Id":" ","Area":"x"}'),
    ],
)
def test_only_the_identity_of_a_deleted_row_is_kept(line: bytes, kept: bytes) -> None:
    assert identity_line("Id")(line) == kept


@pytest.mark.parametrize("digits", [1, 9, 10, 20, 39, 40, 41, 44, 127, 128, 300, 512, 513])
def test_numbers_of_one_length_have_the_keys_that_each_has_alone(digits: int) -> None:
    numbers = [str(10**digits - each) for each in (9, 5, 1)]
    assert order_keys(numbers) == list(map(order_key, numbers))
