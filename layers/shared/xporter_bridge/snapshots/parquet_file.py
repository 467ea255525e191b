"""Writes a Parquet file, one row group at a time, so that memory does not depend on the table.

Parquet's plain encoding, compressed by gzip, which every reader takes (parquet-format,
``README.md``, ``Encodings.md``, ``LogicalTypes.md``). A library would be fifty times as large as
all that is used of it here (docs/decisions.md). Tests read the files with DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

from xporter_bridge.snapshots import thrift
from xporter_bridge.snapshots.compression import gzipped
from xporter_bridge.snapshots.parquet_forms import PRECISION, SCALE, Kind

_MAGIC = b"PAR1"
_VERSION = 1
_OPTIONAL = 1
_PLAIN, _RUNS = 0, 3
_GZIP = 2
_DATA_PAGE = 0
_GROUP_BYTES = 8 * 1024 * 1024
_GROUP_ROWS = 100_000
_DECIMAL_BYTES = 16
_CREATED_BY = "xporter-bridge"


@dataclass(frozen=True)
class _Stored:
    """How a kind is stored: the physical type, what annotates it, and the encoding of values."""

    physical: int
    annotation: tuple[thrift.Field, ...]
    encode: Callable[[Sequence[Any]], bytes]
    length: tuple[thrift.Field, ...] = ()


def _texts(values: Sequence[str]) -> bytes:
    # Most columns of a school repeat a few values.
    encoded = {value: value.encode() for value in set(values)}
    written = {value: pack("<I", len(data)) + data for value, data in encoded.items()}
    return b"".join(map(written.__getitem__, values))


def _decimals(values: Sequence[int]) -> bytes:
    return b"".join(value.to_bytes(_DECIMAL_BYTES, "big", signed=True) for value in values)


def _bits(values: Sequence[bool] | bytearray) -> bytes:
    """Return one bit a value, the first in the lowest bit of the first byte."""
    if not values:
        return b""
    digits = bytes(values).translate(_DIGITS)[::-1]
    return int(digits, 2).to_bytes((len(values) + 7) // 8, "little")


_DIGITS = b"01" + bytes(254)
_STORED: Mapping[Kind, _Stored] = {
    Kind.TEXT: _Stored(6, (thrift.i32(6, 0), thrift.nested(10, thrift.nested(1))), _texts),
    Kind.DATE: _Stored(
        1, (thrift.i32(6, 6), thrift.nested(10, thrift.nested(6))),
        lambda values: pack(f"<{len(values)}i", *values),
    ),
    # In microseconds, of no zone. The older annotation would mean UTC.
    Kind.TIMESTAMP: _Stored(
        2,
        (thrift.nested(10, thrift.nested(
            8, thrift.truth(1, value=False), thrift.nested(2, thrift.nested(2))
        )),),
        lambda values: pack(f"<{len(values)}q", *values),
    ),
    Kind.LONG: _Stored(2, (), lambda values: pack(f"<{len(values)}q", *values)),
    Kind.DECIMAL: _Stored(
        7,
        (
            thrift.i32(6, 5), thrift.i32(7, SCALE), thrift.i32(8, PRECISION),
            thrift.nested(10, thrift.nested(5, thrift.i32(1, SCALE), thrift.i32(2, PRECISION))),
        ),
        _decimals,
        length=(thrift.i32(2, _DECIMAL_BYTES),),
    ),
    Kind.BOOLEAN: _Stored(0, (), _bits),
}  # fmt: skip


class _Column:
    """One column of the row group under construction."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.name = name
        self.kind = kind
        self._stored = _STORED[kind]
        self._present = bytearray()
        self._values: list[bytes] = []
        self._truths: list[bool] = []
        self.bytes = 0

    def add(self, values: Sequence[Any]) -> None:
        """Append values; None is null."""
        there = [value for value in values if value is not None]
        if len(there) == len(values):
            self._present += b"\1" * len(values)
        else:
            self._present += bytes(value is not None for value in values)
        if self.kind is Kind.BOOLEAN:
            self._truths += there  # packed together, because eight share a byte
        else:
            encoded = self._stored.encode(there)
            self._values.append(encoded)
            self.bytes += len(encoded)

    def chunk(self, offset: int) -> tuple[bytes, int, bytes]:
        """Return the column's pages, their size uncompressed, and their description; begin anew.

        Args:
            offset: Where in the file the pages will be.
        """
        rows = len(self._present)
        if self.kind is Kind.BOOLEAN:
            self._values = [_bits(self._truths)]
        page = _levels(self._present) + b"".join(self._values)
        packed = gzipped(page)
        header = thrift.struct(
            [
                thrift.i32(1, _DATA_PAGE),
                thrift.i32(2, len(page)),
                thrift.i32(3, len(packed)),
                thrift.nested(
                    5,
                    thrift.i32(1, rows),
                    thrift.i32(2, _PLAIN),
                    thrift.i32(3, _RUNS),
                    thrift.i32(4, _RUNS),
                ),
            ]
        )
        size = len(header) + len(page)
        described = thrift.nested(
            3,
            thrift.i32(1, self._stored.physical),
            thrift.i32s(2, [_PLAIN, _RUNS]),
            thrift.texts(3, [self.name]),
            thrift.i32(4, _GZIP),
            thrift.i64(5, rows),
            thrift.i64(6, size),
            thrift.i64(7, len(header) + len(packed)),
            thrift.i64(9, offset),
        )
        self._present, self._values, self._truths, self.bytes = bytearray(), [], [], 0
        return header + packed, size, thrift.struct([thrift.i64(2, offset), described])

    def schema(self) -> bytes:
        """Return the element of the schema."""
        stored = self._stored
        return thrift.struct(
            [
                thrift.i32(1, stored.physical),
                *stored.length,
                thrift.i32(3, _OPTIONAL),
                thrift.text(4, self.name),
                *stored.annotation,
            ]
        )


class ParquetFile:
    """A Parquet file under construction; each call returns its next bytes.

    Args:
        columns: The names, of which no two are equal, each with its kind; one at least.
    """

    def __init__(self, columns: Sequence[tuple[str, Kind]]) -> None:
        self._columns = [_Column(name, kind) for name, kind in columns]
        self._start = _MAGIC
        self._offset = 0
        self._rows = self._rows_of_group = 0
        self._groups: list[bytes] = []

    def add(self, values: Sequence[Sequence[Any]], rows: int) -> bytes:
        """Append rows, given as the values of each column; mostly returns nothing yet."""
        for column, each in zip(self._columns, values, strict=True):
            column.add(each)
        self._rows += rows
        self._rows_of_group += rows
        size = sum(column.bytes for column in self._columns)
        is_full = size >= _GROUP_BYTES or self._rows_of_group >= _GROUP_ROWS
        return self._taken(self._group() if is_full else b"")

    def end(self) -> bytes:
        """Return the last bytes, with the description of the whole file."""
        group = self._group() if self._rows_of_group else b""
        root = thrift.struct([thrift.text(4, "schema"), thrift.i32(5, len(self._columns))])
        footer = thrift.struct(
            [
                thrift.i32(1, _VERSION),
                thrift.structs(2, [root, *(column.schema() for column in self._columns)]),
                thrift.i64(3, self._rows),
                thrift.structs(4, self._groups),
                thrift.text(6, _CREATED_BY),
            ]
        )
        return self._taken(group + footer + len(footer).to_bytes(4, "little") + _MAGIC)

    def _group(self) -> bytes:
        begin = self._offset + len(self._start)
        pages, size, described = bytearray(), 0, []
        for column in self._columns:
            page, page_size, facts = column.chunk(begin + len(pages))
            pages += page
            size += page_size
            described.append(facts)
        self._groups.append(
            thrift.struct(
                [
                    thrift.structs(1, described),
                    thrift.i64(2, size),
                    thrift.i64(3, self._rows_of_group),
                ]
            )
        )
        self._rows_of_group = 0
        return bytes(pages)

    def _taken(self, data: bytes) -> bytes:
        data, self._start = self._start + data, b""
        self._offset += len(data)
        return data


def _levels(present: bytearray) -> bytes:
    """Return which values are there: one run if all are alike, else one bit a value."""
    rows = len(present)
    there = present.count(1)
    if there in {0, rows}:
        runs = thrift.varint(rows << 1) + bytes([bool(there)])
    else:
        groups = (rows + 7) // 8
        runs = thrift.varint(groups << 1 | 1) + _bits(present)
    return len(runs).to_bytes(4, "little") + runs
