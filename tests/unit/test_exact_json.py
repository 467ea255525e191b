"""JSON whose values stay what they were."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzz import few_or_many
from xporter_bridge.exact_json import dumps, has_long_number, loads, mended, stand_in

QUICK = few_or_many(200)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(10**15, 10**40).map(str),
    st.decimals(-(10**30), 10**30, allow_nan=False, places=20).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)


@QUICK
@given(NUMBERS)
def test_every_number_keeps_its_value(number: str) -> None:
    text = f'{{"N":{number}}}'.encode()
    again = dumps(loads(text)).decode().removeprefix('{"N":').removesuffix("}")
    assert Decimal(again) == Decimal(number)


@QUICK
@given(NUMBERS, st.sampled_from([b'{"A":%s}', b'{"A": %s }', b"[1,%s]", b"[[%s]]", b"[\n%s]"]))
def test_a_number_that_orjson_changes_is_never_missed(number: str, around: bytes) -> None:
    text = around % number.encode()
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    while isinstance(read, list | dict):
        read = list(read.values())[-1] if isinstance(read, dict) else read[-1]
    if Decimal(repr(read)) != Decimal(number):
        assert has_long_number(text)


def test_sixteen_digits_with_an_exponent_are_a_long_number() -> None:
    text = b'{"A":5003014800143412E-50}'
    assert has_long_number(text)
    assert dumps(loads(text)) == text


def test_plain_numbers_are_plain_after_the_careful_way_too() -> None:
    text = b'{"A":12345678901234567890123,"B":1.10,"C":7,"D":18446744073709551615,"E":-0.0,"F":1e2}'
    assert dumps(loads(text)) == (
        b'{"A":12345678901234567890123,"B":1.1,"C":7,"D":18446744073709551615,"E":-0.0,"F":100.0}'
    )


@pytest.mark.parametrize("number", ["1e400", "-1e999999999999", "0e99999999999999999999"])
def test_a_number_that_python_has_no_room_for_is_kept(number: str) -> None:
    written = dumps(loads(f"[{number}]".encode())).decode()
    assert written in {f"[{number}]", "[0.0]"}
    assert (written == "[0.0]") is number.startswith("0e")


@pytest.mark.parametrize(
    "text", [b'{"A":', b"[NaN]", b"[Infinity]", b"{'A':1}", b"[" * 5000 + b"]" * 5000]
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[NaN, -Infinity,Infinity ,undefined]", [None] * 4),
        (b'{"NaN":"NaN, Infinity,]","A":NaN}', {"NaN": "NaN, Infinity,]", "A": None}),
        (b'["a\nb\tc\x00d\x1f"]', ["a\nb\tc\0d\x1f"]),
        (b'\xef\xbb\xbf{"A":1}', {"A": 1}),
        ('\ufeff{"A":"é"}'.encode("utf-16-le"), {"A": "é"}),
        ('\ufeff{"A":"é"}\0'.encode("utf-16-be"), {"A": "é"}),
        (b'{"A":[1,2,],"B":{"C":",}",} , }\n', {"A": [1, 2], "B": {"C": ",}"}}),
        (rb'["O\'Brien", "C:\Users", "\\", "\""]', ["O'Brien", "C:\\Users", "\\", '"']),
    ],
)  # fmt: skip
def test_what_is_not_quite_json_is_mended_where_its_meaning_is_clear(
    text: bytes, value: Any
) -> None:
    assert loads(mended(text)) == value


@pytest.mark.parametrize(
    "text",
    [b'{"A":[1,', b'{"A":"b,', b'{"A":"NaN', b"[1,,2]", b"[1 2]", b"{A:1}", b"", b'{"A":NaNN}'],
)
def test_what_means_nothing_clear_is_refused_still(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(mended(text))


def test_a_long_answer_that_is_cut_in_a_text_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(mended(b'{"A":"' + b"x" * 5_000_000 + b"\\" * 1_000_001))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'["\ud83d"]', ["\ufffd"]),
        (rb'["a\udE00b\ud83d"]', ["a\ufffdb\ufffd"]),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
        (rb'["\\ud83d", "\u00e9\n"]', [r"\ud83d", "é\n"]),
        (b'["\xe9"]', ["\ufffd"]),
    ],
)
def test_half_a_character_is_replaced_and_nothing_else(text: bytes, value: Any) -> None:
    assert orjson.loads(mended(text)) == value


def test_lines_stand_in_a_text_only_to_the_byte() -> None:
    text = b'{"A":[{"Id":"1"},{"Id":"2"}],"B":[{"Id":"3"}]}'
    assert stand_in([b'{"Id":"1"}', b'{"Id":"2"}'], text)
    assert stand_in([b'{"Id":"3"}'], text)
    assert not stand_in([b'{"Id":"2"}', b'{"Id":"3"}'], text)
    assert not stand_in([b'{"Id":"4"}'], text)
