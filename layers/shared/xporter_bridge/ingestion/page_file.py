"""One fetched page as it lies in the staging bucket, safe before it counts as fetched.

A header line says what the page belongs to and where each of its tables lies; then come the
tables, each ordered and compressed by itself, so that one table of many pages can be read without
the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.xporter.pages import PageMetadata

# More than headers take: ten tables with their keys and columns are some kilobytes.
HEADER_BYTES = 64 * 1024
DELETED = "_deleted"


@dataclass(frozen=True)
class ByteRange:
    """Where a table lies within its page: bytes ``start`` to ``end`` exclusive.

    ``repeats`` and ``clashes`` are those of its ``Block``.
    """

    start: int
    end: int
    rows: int
    first: bytes
    last: bytes
    repeats: int = 0
    clashes: int = 0


@dataclass(frozen=True)
class PageHeader:
    """The header of a staged page. Deletions are sections named ``<Table>_deleted``.

    ``columns`` are the columns that the pull had met in each table when the page was staged: an
    invocation that resumes the pull knows them from here alone. ``size`` is the approximate size
    of the answer in bytes. ``withheld`` has a keyed digest of each row that was left out, because
    it is about an erased person, by section: the answer's number of rows counts such rows too.
    """

    facts: PageMetadata
    tables: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    sections: Mapping[str, ByteRange]
    size: int = 0
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def page_key(prefix: str, number: int, fence: int) -> str:
    """Return the key of a staged page; that it exists is what ticks the page off.

    It holds the fence of the lease, so that a holder which lost it overwrites no page that
    another has begun to read.
    """
    return f"{prefix}page-{number:06d}-{fence:010d}"


def page_number(key: str) -> int | None:
    """Return the number of the page at a staged key, or None for another object of the pull."""
    found = re.fullmatch(r"page-(\d+)(-\d+)?", key.rpartition("/")[2])
    return int(found[1]) if found else None


def pack(
    facts: PageMetadata,
    tables: Mapping[str, Block | None],
    columns: Mapping[str, Iterable[str]],
    compress: Callable[[bytes], bytes],
    *,
    answered_bytes: int = 0,
    withheld: Mapping[str, Iterable[str]] | None = None,
) -> bytes:
    """Return the staged form of a page; a table without rows is None."""
    sections, bodies, start = {}, [], 0
    for name, block in tables.items():
        if block is None:
            continue
        body = compress(block.data)
        ends = (block.first.hex(), block.last.hex())
        counts = (block.repeats, block.clashes)
        sections[name] = [start, start + len(body), block.rows, *ends, *counts]
        bodies.append(body)
        start += len(body)
    header = {
        "facts": asdict(facts),
        "tables": list(tables),
        "columns": {table: list(names) for table, names in columns.items()},
        "sections": sections,
        "size": max(answered_bytes, sum(len(block.data) for block in tables.values() if block)),
    }
    if withheld:
        header["withheld"] = {name: list(digests) for name, digests in withheld.items()}
    return b"".join((orjson.dumps(header), b"\n", *bodies))


def unpack_header(data: bytes) -> PageHeader:
    """Return the header from the first bytes of a staged page.

    Raises:
        ValueError: They are not the whole of a header.
    """
    end = data.index(b"\n") + 1
    try:
        return _header(orjson.loads(data[:end]), end)
    except (KeyError, TypeError) as error:
        raise ValueError("no header") from error


def _header(header: dict[str, Any], end: int) -> PageHeader:
    return PageHeader(
        facts=PageMetadata(**header["facts"]),
        tables=tuple(header["tables"]),
        columns={table: tuple(names) for table, names in header["columns"].items()},
        sections={
            name: ByteRange(
                start + end, stop + end, rows, bytes.fromhex(first), bytes.fromhex(last), *counts
            )
            for name, (start, stop, rows, first, last, *counts) in header["sections"].items()
        },
        size=header["size"],
        withheld={name: tuple(each) for name, each in header.get("withheld", {}).items()},
    )


def unpack_section(place: ByteRange, body: bytes, decompress: Callable[[bytes], bytes]) -> Block:
    """Return the rows of a table from exactly its bytes."""
    return Block(decompress(body), place.rows, place.first, place.last, body)
