"""The order of rows, and the keys that sort as it."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.ordering import identity_line, identity_of, key_of_line, order_key

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


@pytest.mark.parametrize(
    ("row", "identity"),
    [
        ({"Id": "7", "A": 1}, "7"),
        ({"A": 1, "iD": "7"}, "7"),
        ({"A": 1}, '{"A":1}'),
        ({"Id": None, "A": 1}, '{"Id":null,"A":1}'),
    ],
)
def test_a_row_is_identified_by_its_id_or_by_all_of_it(
    row: dict[str, object], identity: str
) -> None:
    assert identity_of(row, "Id") == identity


def test_a_table_without_a_key_is_identified_by_its_rows() -> None:
    assert identity_of({"": "x", "A": 1}, "") == '{"":"x","A":1}'


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
    assert key_of_line("Id")(line) == order_key(identity_of(row, "Id"))


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"Id":"7","Surname":"Abbess"}', b'{"Id":"7"}'),
        (b'{"Surname":"Abbess","id":7}', b'{"id":7}'),
        (b'{"Area":"x"}', b'{"Area":"x"}'),
        (b'{"Id":null,"Area":"x"}', b'{"Id":null,"Area":"x"}'),
    ],
)
def test_only_the_identity_of_a_deleted_row_is_kept(line: bytes, kept: bytes) -> None:
    assert identity_line("Id")(line) == kept
