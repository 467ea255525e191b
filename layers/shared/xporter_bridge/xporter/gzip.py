"""Unpacks gzip within a bound on the size."""

from __future__ import annotations

from isal import igzip_lib


class UnreadableError(ValueError):
    """The data is not gzip, or is cut off."""


class TooLargeError(ValueError):
    """The data holds more than it may."""


def gunzip(data: bytes, *, most_bytes: int) -> bytes:
    """Return the contents of a gzip file.

    Raises:
        UnreadableError: It is not one, or its end is missing.
        TooLargeError: It holds more than ``most_bytes``; no more than that was unpacked.
    """
    work = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
    # How much the file says it holds: room for that at once is twice as fast as room that grows.
    room = min(int.from_bytes(data[-4:], "little"), most_bytes) + 1
    try:
        content: bytes = work.decompress(data, room)
        if not work.eof and len(content) <= most_bytes:
            content += work.decompress(b"", most_bytes + 1 - len(content))
    except igzip_lib.error as error:  # type: ignore[misc]  # its stubs say otherwise
        raise UnreadableError("gzip") from error
    if len(content) > most_bytes:
        raise TooLargeError("gzip")
    if not work.eof:
        raise UnreadableError("gzip")
    return content
