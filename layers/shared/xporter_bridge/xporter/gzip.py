"""Decompresses responses within a limit on the size, also with a wrong ``Content-Encoding``."""

from __future__ import annotations

from isal import igzip_lib

_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 16 * 1024
_JSON_BEGINS = (b"{", b"[", b"\xef\xbb\xbf")


class UnreadableError(ValueError):
    """The data is not compressed as stated, or is incomplete."""


class TooLargeError(ValueError):
    """The decompressed data exceeds the limit."""


def unpack(data: bytes, encoding: str, *, most_bytes: int) -> bytes:
    """Return the decompressed content of a response, given its ``Content-Encoding``.

    Codings are removed in reverse order (RFC 9110). If a label is wrong (unlabelled gzip, JSON
    labelled as compressed, a charset instead of a coding), the data itself decides.

    Raises:
        UnreadableError: The data is not in the stated coding, or is incomplete.
        TooLargeError: The content exceeds ``most_bytes``; decompression stopped there.
    """
    for coding in reversed([each.strip().casefold() for each in encoding.split(",")]):
        if coding in {"gzip", "x-gzip", "deflate"} and not data.lstrip().startswith(_JSON_BEGINS):
            is_deflate = coding == "deflate" and not data.startswith(_GZIP)
            data = inflate(data, most_bytes) if is_deflate else gunzip(data, most_bytes=most_bytes)
    return gunzip(data, most_bytes=most_bytes) if data.startswith(_GZIP) else data


def gunzip(data: bytes, *, most_bytes: int) -> bytes:
    """Return the content of all members of a gzip file.

    Raises:
        UnreadableError: The data is no gzip file, or is incomplete.
        TooLargeError: The content exceeds ``most_bytes``; decompression stopped there.
    """
    content, rest = _unpacked(data, igzip_lib.DECOMP_GZIP, most_bytes)
    parts, size, at = [content], len(content), len(data) - rest
    # Data after the last member is padding.
    while data.startswith(_GZIP, at):
        content, at = _next_member(data, at)
        parts.append(content)
        size += len(content)
        if size > most_bytes:
            raise TooLargeError("gzip")
    return b"".join(parts)


def _next_member(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the content of a further member, and its end.

    The member is read in small pieces: a file may have thousands of members, and the decompressor
    copies all data after a member.
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
    """Return the content of HTTP's deflate, with a zlib header or, as from some servers, without.

    Raises:
        UnreadableError: As ``gunzip``.
        TooLargeError: As ``gunzip``.
    """
    has_header = data[:1] != b"" and data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
    kind = igzip_lib.DECOMP_ZLIB if has_header else igzip_lib.DECOMP_DEFLATE
    return _unpacked(data, kind, most_bytes)[0]


def _unpacked(data: bytes, kind: int, most_bytes: int) -> tuple[bytes, int]:
    """Return the content of one member, and the number of bytes after it."""
    work = igzip_lib.IgzipDecompressor(kind)
    # The stated size of the content: such a buffer is twice as fast as a growing one.
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
