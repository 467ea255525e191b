"""The forms in which Parquet holds the values of a column, and whether a value comes back from it.

The catalogue says what a column should hold, and Xporter does not keep to it. A value fits a form
only if the stored value, written again, is the same text. Where one value of a column fits none of
the column's forms, the column is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from xporter_bridge.exact_json import dumps

_DAY_ZERO = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the values have no zone either
_LONG = range(-(2**63), 2**63)
# What DECIMAL(38, 10) holds.
SCALE, PRECISION = 10, 38
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]{0,27})(?:\.([0-9]{1,10}))?", re.ASCII)


class Kind(Enum):
    """How Parquet stores a value."""

    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    LONG = "long"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Form:
    """One form of a column; ``name`` stands in manifests.

    ``read`` returns the stored value of a text, and raises ``ValueError`` for a text that would not
    come back from it.
    """

    name: str
    kind: Kind
    read: Callable[[str], Any]


def cell_text(value: Any) -> str | None:
    """Return a value as text: as written in JSON, without the quotes of a text; None for null."""
    if value is None or type(value) is str:
        return value
    return dumps(value).decode()


def _date(text: str) -> int:
    day = date.fromisoformat(text)
    _require(day.isoformat() == text)
    return day.toordinal() - _DAY_ZERO


def _time(text: str) -> int:
    """Read a time whose fraction has no zeros at its end."""
    moment = datetime.fromisoformat(text)
    whole, _, fraction = moment.isoformat().partition(".")
    _require(text == (f"{whole}.{fraction.rstrip('0')}" if fraction else whole))
    return _microseconds(moment)


def _time_in_thousandths(text: str) -> int:
    moment = datetime.fromisoformat(text)
    _require(text == moment.isoformat(timespec="milliseconds"))
    return _microseconds(moment)


def _microseconds(moment: datetime) -> int:
    _require(moment.tzinfo is None)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _whole_number(text: str) -> int:
    number = int(text)
    _require(str(number) == text and number in _LONG)
    return number


def _number(text: str) -> int:
    """Read a number without a fraction, or with one that has no zeros at its end."""
    return _unscaled(text, lambda fraction: not fraction.endswith("0"))


def _number_with_fraction(text: str) -> int:
    """Read a number as JSON has it that was a float: ``12.0``, ``12.5``."""
    return _unscaled(
        text, lambda fraction: fraction == "0" or (bool(fraction) and not fraction.endswith("0"))
    )


def _unscaled(text: str, is_kept: Callable[[str], bool]) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError
    sign, whole, fraction = found[1], found[2], found[3] or ""
    _require(is_kept(fraction))
    number = int(whole + fraction.ljust(SCALE, "0"))
    _require(bool(number) or not sign)
    return -number if sign else number


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError


def _one_of(false: str, true: str) -> Callable[[str], bool]:
    def read(text: str) -> bool:
        _require(text in {false, true})
        return text == true

    return read


TEXT = Form("text", Kind.TEXT, str)
_DATE = Form("date", Kind.DATE, _date)
# What each type of the catalogue may be, the first that fits every value of the column.
FORMS: Mapping[str, tuple[Form, ...]] = {
    "date": (_DATE,),
    "time": (
        Form("time", Kind.TIMESTAMP, _time),
        Form("time, three decimals", Kind.TIMESTAMP, _time_in_thousandths),
        _DATE,
    ),
    "whole number": (Form("whole number", Kind.LONG, _whole_number),),
    "number": (
        Form("number", Kind.DECIMAL, _number),
        Form("number, always a fraction", Kind.DECIMAL, _number_with_fraction),
    ),
    "truth": (
        Form("truth", Kind.BOOLEAN, _one_of("0", "1")),
        Form("truth, in words", Kind.BOOLEAN, _one_of("false", "true")),
    ),
}


def fits(form: Form, text: str) -> bool:
    """Tell whether a text comes back from the form."""
    try:
        form.read(text)
    except (ValueError, OverflowError):
        return False
    return True
