"""Unpacks answers, as HTTP says and as they are, within a bound on the size."""

from __future__ import annotations

from isal import igzip_lib

_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 16 * 1024
_JSON_BEGINS = (b"{", b"[", b"\xef\xbb\xbf")


class UnreadableError(ValueError):
    """The data is not packed as it claims, or is cut off."""


class TooLargeError(ValueError):
    """The data holds more than it may."""


def unpack(data: bytes, encoding: str, *, most_bytes: int) -> bytes:
    """Return the contents of an answer, given its ``Content-Encoding``.

    Codings are undone in reverse order, as RFC 9110 has it. Where a label is wrong (gzip that is
    not labelled, JSON labelled as packed, a charset in place of a coding), what is there counts.

    Raises:
        UnreadableError: It is not what it claims to be, or its end is missing.
        TooLargeError: It holds more than ``most_bytes``; no more than that was unpacked.
    """
    for coding in reversed([each.strip().casefold() for each in encoding.split(",")]):
        if coding in {"gzip", "x-gzip", "deflate"} and not data.lstrip().startswith(_JSON_BEGINS):
            is_deflate = coding == "deflate" and not data.startswith(_GZIP)
            data = inflate(data, most_bytes) if is_deflate else gunzip(data, most_bytes=most_bytes)
    return gunzip(data, most_bytes=most_bytes) if data.startswith(_GZIP) else data


def gunzip(data: bytes, *, most_bytes: int) -> bytes:
    """Return the contents of a gzip file, of all its members.

    Raises:
        UnreadableError: It is not one, or its end is missing.
        TooLargeError: It holds more than ``most_bytes``; no more than that was unpacked.
    """
    content, rest = _unpacked(data, igzip_lib.DECOMP_GZIP, most_bytes)
    parts, size, at = [content], len(content), len(data) - rest
    # What follows without being gzip is padding.
    while data.startswith(_GZIP, at):
        content, at = _next_member(data, at)
        parts.append(content)
        size += len(content)
        if size > most_bytes:
            raise TooLargeError("gzip")
    return b"".join(parts)


def _next_member(data: bytes, at: int) -> tuple[bytes, int]:
    """Return what a further member holds, and where it ends.

    Read in small pieces: there may be thousands of members, and each copies what follows it.
    """
    work, parts = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP), []
    try:
        while not work.eof and at < len(data):
            parts.append(work.decompress(data[at : at + _PIECE_BYTES]))
            at += _PIECE_BYTES
    except igzip_lib.error as error:  # type: ignore[misc]  # its stubs say otherwise
        raise UnreadableError("gzip") from error
    if not work.eof:
        raise UnreadableError("gzip")
    return b"".join(parts), min(at, len(data)) - len(work.unused_data)


def inflate(data: bytes, most_bytes: int) -> bytes:
    """Return what is packed as HTTP's deflate, with zlib's header or, as some servers do, without.

    Raises:
        UnreadableError: As ``gunzip``.
        TooLargeError: As ``gunzip``.
    """
    has_header = data[:1] != b"" and data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
    kind = igzip_lib.DECOMP_ZLIB if has_header else igzip_lib.DECOMP_DEFLATE
    return _unpacked(data, kind, most_bytes)[0]


def _unpacked(data: bytes, kind: int, most_bytes: int) -> tuple[bytes, int]:
    """Return the contents of one member, and how many bytes follow it."""
    work = igzip_lib.IgzipDecompressor(kind)
    # How much a gzip file says it holds: room for that at once is twice as fast as room that grows.
    room = min(int.from_bytes(data[-4:], "little"), most_bytes) + 1
    try:
        content: bytes = work.decompress(data, room)
        if not work.eof and len(content) <= most_bytes:
            content += work.decompress(b"", most_bytes + 1 - len(content))
    except igzip_lib.error as error:  # type: ignore[misc]  # its stubs say otherwise
        raise UnreadableError("packed") from error
    if len(content) > most_bytes:
        raise TooLargeError("packed")
    if not work.eof:
        raise UnreadableError("packed")
    return content, len(work.unused_data)
