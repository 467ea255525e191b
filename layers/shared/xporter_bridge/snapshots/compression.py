"""Writes gzip by ISA-L, which is several times faster than zlib.

A gzip file consists of sections that were compressed separately and follow each other in one
deflate stream. Therefore the rows of a staged page are compressed only once, and readers that
support only gzip files with one member can read the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isal import isal_zlib

# As small as zlib's level 1 at more than five times its speed; level 3 takes more than twice as
# long for a fortieth less, zlib's level 6 fifteen times as long for a fifth less
# (benchmarks/compression.py).
_LEVEL = 1
_RAW = -15
_GZIP = 31
# No time and no name in the header: equal input gives equal output.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_SECTION = b"\x03\x00"


def compress(data: bytes) -> bytes:
    """Return the data compressed as one section."""
    work = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
    return work.compress(data) + work.flush(isal_zlib.Z_FULL_FLUSH)


def decompress(section: bytes) -> bytes:
    """Return the uncompressed data of one section."""
    return isal_zlib.decompressobj(_RAW).decompress(section)


def gzipped(data: bytes) -> bytes:
    """Return the data as a gzip file."""
    file = GzipFile()
    return file.add(data) + file.end()


class GzipFile:
    """A gzip file under construction; each call returns its next bytes."""

    def __init__(self) -> None:
        self._start = _GZIP_HEADER
        self._check = 0
        self._bytes = 0
        self._work = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
        self._is_pending = False

    def add(self, data: bytes) -> bytes:
        """Append data."""
        self._count(data)
        self._is_pending = True
        return self._begun() + self._work.compress(data)

    def add_section(self, section: bytes, data: bytes) -> bytes:
        """Append a section, given its uncompressed data."""
        self._count(data)
        return self._begun() + self._settled() + section

    def end(self) -> bytes:
        """Return the last bytes."""
        trailer = self._check.to_bytes(4, "little") + (self._bytes % 2**32).to_bytes(4, "little")
        return self._begun() + self._settled() + _LAST_SECTION + trailer

    def _count(self, data: bytes) -> None:
        self._check = isal_zlib.crc32(data, self._check)
        self._bytes += len(data)

    def _begun(self) -> bytes:
        start, self._start = self._start, b""
        return start

    def _settled(self) -> bytes:
        """End the current section, so that a section compressed elsewhere may follow."""
        if not self._is_pending:
            return b""
        self._is_pending = False
        return self._work.flush(isal_zlib.Z_FULL_FLUSH)


def lines_in_chunks(compressed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip file in chunks that end with a newline."""
    work = isal_zlib.decompressobj(_GZIP)
    rest = b""
    for chunk in compressed:
        data = rest + work.decompress(chunk)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        rest = data[cut:]
    if rest:
        yield rest + b"\n"
