"""The rows of a page as a block, by the quick way and by the careful one."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.exact_json import loads
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.encode_rows import InexactError, rendered
from xporter_bridge.snapshots.row_keys import key_of_line, line_key, order_key

QUICK = settings(max_examples=100, deadline=None)
IDS = st.one_of(
    st.integers(0, 3_000).map(str), st.sampled_from(["07", "0", "PL-1.PC-2", "é", "12 "])
)
# Whatever could be taken for the end of a row.
VALUES = st.sampled_from(["", "},{", 'x"},{"Id":"7"', "\n", None, [{"Id": "1"}, {"Id": "2"}], "é"])


def expected(rows: list[dict[str, Any]]) -> Block:
    by_key = {order_key(row["Id"]): orjson.dumps(row) for row in rows}
    keys = sorted(by_key)
    data = b"".join(by_key[key] + b"\n" for key in keys)
    return Block(data, len(keys), keys[0], keys[-1])


@QUICK
@given(st.lists(IDS, min_size=1, unique=True), st.data(), st.booleans())
def test_rows_become_lines_in_order_whatever_they_hold(
    ids: list[str], data: st.DataObject, is_ordered: bool
) -> None:
    rows = [{"Id": each, "V": data.draw(VALUES)} for each in ids]
    if is_ordered:
        rows.sort(key=lambda row: order_key(row["Id"]))
    block = rendered(rows, "Id")
    assert block == expected(rows)
    lines = block.lines()
    key_of = key_of_line("Id")
    assert (key_of(lines[0]), key_of(lines[-1])) == (block.first, block.last)


def test_numbers_and_texts_are_one_identity() -> None:
    assert rendered([{"Id": 7}, {"Id": "8"}], "Id") == Block(
        b'{"Id":7}\n{"Id":"8"}\n', 2, order_key("7"), order_key(8)
    )


def test_a_row_that_comes_twice_is_kept_once_and_two_that_differ_are_kept_apart() -> None:
    row, other = {"Id": "1", "V": "a"}, {"Id": "1", "V": "b"}
    assert rendered([row, dict(row)], "Id") == replace(expected([row]), repeats=1)
    block = rendered([other, row, {"Id": "0"}, other], "Id")
    assert block
    assert [orjson.loads(line) for line in block.lines()] == [{"Id": "0"}, row, other]
    assert (block.repeats, block.clashes) == (1, 1)


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\u00a0", None])
def test_a_blank_identity_is_none(blank: str | None) -> None:
    rows = [{"Id": blank, "V": "a"}, {"Id": "7", "V": "b"}, {"Id": blank, "V": "c"}]
    block = rendered(rows, "Id")
    assert block
    assert (block.rows, block.first, block.clashes) == (3, order_key("7"), 0)
    assert [key_of_line("Id")(line) for line in block.lines()[1:]] == sorted(
        line_key(orjson.dumps(row)) for row in (rows[0], rows[2])
    )


def test_a_key_field_of_another_casing_or_none_at_all_still_identifies() -> None:
    block = rendered([{"id": "2"}, {"id": "1"}, {"Name": "x"}], "Id")
    assert block
    assert block.lines() == [b'{"id":"1"}', b'{"id":"2"}', b'{"Name":"x"}']


@pytest.mark.parametrize("note", ["", "é", r"a \"b\" / c"])
def test_rows_that_stand_in_the_answer_as_they_are_written_are_exact(note: str) -> None:
    text = b'{"A":[{"Id":"2","N":1.10},{"Id":"1","V":"' + note.encode() + b'"}]}'
    assert rendered(orjson.loads(text)["A"], "Id", text) == rendered(orjson.loads(text)["A"], "Id")


@pytest.mark.parametrize(
    "number", [b"12345678901234567890123", b"-9223372036854775809", b"0.12345678901234567890"]
)
def test_a_number_that_the_quick_parser_changes_is_noticed(number: bytes) -> None:
    text = b'{"A":[{"Id":"1","N":' + number + b"}]}"
    with pytest.raises(InexactError):
        rendered(orjson.loads(text)["A"], "Id", text)
    exact = rendered(loads(text)["A"], "Id")
    assert exact
    assert exact.data == b'{"Id":"1","N":' + number + b"}\n"


def test_no_rows_are_no_block() -> None:
    assert rendered([], "Id") is None
