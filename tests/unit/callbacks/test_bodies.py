"""Fields of a body, whatever the encoding."""

from __future__ import annotations

import pytest

from xporter_bridge.callbacks.bodies import fields_of, form_of, text_of


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\xef\xbb\xbf a \r\n", "a"),
        ("Gŵyr".encode(), "Gŵyr"),
        (b"\x80 5", "€ 5"),
        (b"\x81", "\ufffd"),
    ],
)
def test_a_text_is_utf_8_or_else_what_windows_writes(body: bytes, text: str) -> None:
    assert text_of(body) == text


def test_half_a_character_in_a_form_spoils_no_other_field() -> None:
    fields = form_of("a=\ud800&b=%E9&c=1+2")
    assert [name for name, _ in fields] == ["a", "b", "c"]
    assert fields[1:] == [("b", "é"), ("c", "1 2")]


def test_a_name_without_a_value_is_told_from_one_with_an_empty_value() -> None:
    assert fields_of(b"a&amp;b=& c =%20") == [("a", ...), ("b", ""), ("c", "")]
    assert fields_of(b'{"a ": 1, "a": null}') == [("a", 1), ("a", None)]
    assert fields_of(b'{"a": ') == []
