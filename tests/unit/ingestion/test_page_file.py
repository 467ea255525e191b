"""A staged page, and what it says of itself."""

import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xporter_bridge.ingestion.page_file import (
    HEADER_BYTES,
    pack,
    page_key,
    page_number,
    unpack_header,
    unpack_section,
)
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.encode_rows import rendered
from xporter_bridge.snapshots.layout import staging_prefix
from xporter_bridge.xporter.pages import PageMetadata

QUICK = settings(max_examples=40, deadline=None)
FACTS = PageMetadata(3, 25, "*", "db69")


def block(*ids: int) -> Block | None:
    return rendered([{"Id": str(each), "V": ""} for each in ids], "Id")


@QUICK
@given(st.dictionaries(st.sampled_from("ABC"), st.sets(st.integers(0, 99)), min_size=1))
def test_every_table_is_read_back_by_itself(tables: dict[str, set[int]]) -> None:
    packed = pack(
        FACTS,
        {name: block(*ids) for name, ids in tables.items()},
        {"A": ("Id", "V")},
        zlib.compress,
    )
    header = unpack_header(packed[:HEADER_BYTES])
    assert (header.facts, header.columns) == (FACTS, {"A": ("Id", "V")})
    assert header.tables == tuple(tables)
    assert set(header.sections) == {name for name, ids in tables.items() if ids}
    for name, place in header.sections.items():
        packed_table = packed[place.start : place.end]
        expected = block(*tables[name])
        assert expected
        assert unpack_section(place, packed_table, zlib.decompress) == replace(
            expected, packed=packed_table
        )


def test_the_header_of_the_widest_answer_fits_what_is_read_of_it() -> None:
    tables = {f"Table{number}": block(1) for number in range(12)}
    columns = {name: [f"AColumnWithALongName{each}" for each in range(120)] for name in tables}
    packed = pack(FACTS, tables, columns, zlib.compress)
    assert unpack_header(packed[:HEADER_BYTES]).columns.keys() == tables.keys()


def test_keys_tell_pages_from_other_work() -> None:
    prefix = staging_prefix("3281102", "students", "p1")
    assert prefix == "staging/estab=3281102/dataset=students/p1/"
    assert page_number(page_key(prefix, 12, 3)) == 12
    assert page_number(page_key(prefix, 1_234_567, 3)) == 1_234_567
    assert page_number(f"{prefix}out-3/Students.snapshot") is None
    assert page_number(f"{prefix}page-x") is None


def test_two_holders_of_a_pull_never_write_one_key_and_the_later_sorts_last() -> None:
    assert page_key("p/", 2, 9) < page_key("p/", 2, 10) < page_key("p/", 3, 1)


def test_a_header_holds_no_row() -> None:
    wide = rendered([{"Id": None, "Note": "x" * 100_000}, {"Id": "y" * 100_000}], "Id")
    packed = pack(FACTS, {"A": wide}, {}, zlib.compress)
    header = unpack_header(packed[:HEADER_BYTES])
    assert header.size > 200_000
    assert packed.index(b"\n") < 2_000


@pytest.mark.parametrize("data", [b"", b"{", b"{}\n", b"[]\n", b"x\n", b'{"facts":1}\n'])
def test_what_is_no_header_is_not_taken_for_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_header(data)
    assert staging_prefix("3281102", "students") == "staging/estab=3281102/dataset=students/"
