"""The rows that every contestant pulls: invented, the same on every machine, rendered before.

StudentSchoolHistory stands for Xporter's middling tables: eleven columns, 310 bytes a row, a
``RowHash`` that does not compress.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from dataclasses import dataclass
from pathlib import Path

TABLE = "StudentSchoolHistory"
RESOURCE = "StudentSchoolHistory"
FIRST_ID = 100_000
_FORENAMES = [
    "Graham",
    "Mary",
    "Joyce",
    "Amber",
    "Isabella",
    "Oliver",
    "Noah",
    "Aisha",
    "Zara",
    "Tomasz",
    "Priya",
    "Ewan",
]
_SURNAMES = [
    "Abbess",
    "Nowak",
    "Doyle",
    "Duncan",
    "Patel",
    "Hughes",
    "Okafor",
    "Smith",
    "Evans",
    "Murray",
    "Chen",
    "Walsh",
]
_PLACES = [
    "Green Abbey",
    "Highcliffe",
    "Waters Edge",
    "Aisley",
    "St Mary's",
    "Kingston",
    "Woodstock",
]
_KINDS = ("Primary School", "Junior School", "Infant and Nursery School", "Academy")
_REASONS = ("End of phase transfer - Maintained", "Moved out of area", "Parental choice")


@dataclass(frozen=True)
class RowFile:
    """Rendered rows in one file: row ``n`` lies at ``ends[n - 1]`` to ``ends[n]``, comma included.

    Rows that differ in their number alone differ in their ``RowHash`` too, so a row is told by
    its ``Id`` and ``RowHash``.
    """

    path: Path
    ends: array[int]

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return where rows ``start`` to ``stop`` lie, as offset and length."""
        begin = self.ends[start - 1] if start else 0
        end = self.ends[stop - 1] if stop else 0
        return begin, max(0, end - begin)


def render(path: Path, count: int) -> RowFile:
    """Write ``count`` rows, each followed by a comma."""
    draw = random.Random(7).choice
    ends, at = array("Q"), 0
    with path.open("wb") as file:
        for number in range(count):
            row = _row(number, draw)
            at += file.write(row)
            ends.append(at)
    return RowFile(path, ends)


def row_hash(number: int) -> str:
    """Return the hash of one row, which is also how its contents are recognised."""
    return hashlib.sha1(b"%d" % number).hexdigest().upper()


def _row(number: int, draw) -> bytes:  # type: ignore[no-untyped-def]
    return (
        f'{{"Id":"{FIRST_ID + number}","StudentId":"{10_000 + number * 7 % 1_511}",'
        f'"Forename":"{draw(_FORENAMES)}","Surname":"{draw(_SURNAMES)}",'
        f'"PreviousSchoolName":"{draw(_PLACES)} {draw(_KINDS)}",'
        f'"LEA":"{300 + number % 90}","EstabId":"{3_280_000 + number * 31 % 9_973}",'
        f'"LeavingDate":"20{10 + number % 15}-07-{10 + number % 20}",'
        f'"LeavingReason":"{draw(_REASONS)}",'
        f'"LastUpdated":"2018-06-{10 + number % 20}T02:07:{10 + number % 50}.{number % 1000:03}",'
        f'"RowHash":"{row_hash(number)}"}},'
    ).encode()
