"""Reproducible chance: every fact of a school is a digest of its key, a label and a number."""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import blake2b

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
_XID_SPACE = 36**6
_XID_STEP = 1_234_567_891  # coprime to 36**6, so that distinct numbers give distinct XIDs


def draw(key: bytes, label: bytes, n: int, version: int = 0) -> bytes:
    """Return 52 bytes: 32 to choose values with, then 20 that serve as the RowHash."""
    return blake2b(b"%b.%d.%d" % (label, n, version), key=key, digest_size=52).digest()


def row_hash(drawn: bytes) -> str:
    """Return 40 upper-case hex digits, the form of Xporter's RowHash."""
    return drawn[32:].hex().upper()


def xid(kind: int, n: int) -> str:
    """Return an XID, unique for ``kind`` (0-15) and ``n``: x and six upper-case characters."""
    number = ((n * 16 + kind) * _XID_STEP + 987_654_321) % _XID_SPACE
    high, low = divmod(number, 1296)
    return f"x{_PAIRS[high // 1296]}{_PAIRS[high % 1296]}{_PAIRS[low]}"


def guid(drawn: bytes) -> str:
    """Return 16 of the drawn bytes in the form of a GUID."""
    h = drawn[16:32].hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def photo(drawn: bytes) -> str:
    """Return base64 that decodes to the beginning, a comment and the end of a JPEG."""
    comment = drawn[:32]
    header = bytes.fromhex("ffd8ffe000104a46494600010100000100010000fffe") + bytes((0, 34))
    return b64encode(header + comment + bytes.fromhex("ffd9")).decode()


def number(drawn: bytes, at: int) -> int:
    """Return the two drawn bytes at ``at`` as a number below 65,536."""
    return drawn[at] << 8 | drawn[at + 1]


def naive(moment: datetime) -> str:
    """Return ``moment`` as Xporter writes it in rows: no zone, zeros trimmed from the fraction."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return text.rstrip("0").rstrip(".")


def zulu(moment: datetime) -> str:
    """Return ``moment`` with the seven fractional digits and Z of .NET's round-trip format."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
