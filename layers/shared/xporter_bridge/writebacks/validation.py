"""Checks the payload of a writeback, and splits it as Xporter requires."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.writebacks.model import WritebackKind
from xporter_bridge.writebacks.schemas import ConductWriteback, LessonAttendance, SessionAttendance

# Until its end, the payload is kept in one item of the operations table, sealed.
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_PARTS = 60
_LISTED = 10
# The beginning of a digest under a school's key; earlier code stored plain hexadecimal digits.
_KEYED = "school:"
_PURPOSE = b"xporter-bridge/writeback/payload-digest"
_MODELS: Mapping[WritebackKind, type[BaseModel]] = {
    WritebackKind.ATTENDANCE: SessionAttendance,
    WritebackKind.LESSON_ATTENDANCE: LessonAttendance,
    WritebackKind.CONDUCT: ConductWriteback,
}
_SCOPES = {
    WritebackKind.ATTENDANCE: "WritebackAttendance",
    WritebackKind.LESSON_ATTENDANCE: "WritebackAttendance",
    WritebackKind.CONDUCT: "WritebackConduct",
}


@dataclass(frozen=True)
class CheckedPayload:
    """A payload that breaks no documented rule, as the bodies of the requests that carry it.

    ``dates`` and ``rows`` run beside ``bodies``; a date is empty where a body may hold several.
    """

    kind: WritebackKind
    mode: str
    bodies: tuple[Mapping[str, Any], ...] = field(repr=False)
    dates: tuple[str, ...]
    rows: tuple[int, ...]


def scope_of(kind: WritebackKind) -> str:
    """Return the scope that a school must have granted for it."""
    return _SCOPES[kind]


def digest(kind: str, payload: Mapping[str, Any], idempotency_key: str, school_key: bytes) -> str:
    """Return the digest that distinguishes one payload from another.

    Its key is derived from the school's data key, so nobody can guess a payload from the table,
    and nobody at all once the school's key is deleted. The same payload under two idempotency
    keys has two digests.

    Raises:
        RequestRejectedError: 400 if the payload is not JSON.
    """
    key = hmac.digest(school_key, _PURPOSE, "sha256")
    return _KEYED + hmac.digest(key, _document(idempotency_key, kind, payload), "sha256").hex()


def is_payload_of(
    held: str, kind: str, payload: Mapping[str, Any], idempotency_key: str, school_key: bytes
) -> bool:
    """Tell whether a stored digest is that of the payload; earlier code stored another form.

    Raises:
        RequestRejectedError: 400 if the payload is not JSON.
    """
    if held.startswith(_KEYED):
        made = digest(kind, payload, idempotency_key, school_key)
    else:
        made = _digest_of_earlier_code(kind, payload, idempotency_key)
    return hmac.compare_digest(held.encode(), made.encode())


def _digest_of_earlier_code(kind: str, payload: Mapping[str, Any], idempotency_key: str) -> str:
    return hmac.digest(idempotency_key.encode(), _document(kind, payload), "sha256").hex()


def _document(*parts: Any) -> bytes:
    try:
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError) as error:
        raise RequestRejectedError(400, "the payload cannot be written as JSON") from error


def check(kind: str, payload: Mapping[str, Any]) -> CheckedPayload:
    """Return the payload in parts, or raise with every broken rule.

    Raises:
        RequestRejectedError: 400 naming the places, never the values; 413 if it is too large.
    """
    try:
        known = WritebackKind(kind)
    except ValueError as error:
        kinds = ", ".join(WritebackKind)
        raise RequestRejectedError(400, f"kind must be one of {kinds}") from error
    if len(orjson.dumps(payload)) > MAX_PAYLOAD_BYTES:
        raise RequestRejectedError(413, f"the payload exceeds {MAX_PAYLOAD_BYTES // 1024} KiB")
    try:
        model = _MODELS[known].model_validate(payload)
    except ValidationError as error:
        raise RequestRejectedError(400, _described(error)) from error
    body = model.model_dump(exclude_none=True)
    mode = str(body.pop("mode"))
    return _split(known, mode, {name: rows for name, rows in body.items() if rows})


def _split(kind: WritebackKind, mode: str, body: Mapping[str, Any]) -> CheckedPayload:
    """Split marks by date, since Xporter refuses a request with more than one."""
    if kind is WritebackKind.CONDUCT:
        return CheckedPayload(kind, mode, (body,), ("",), (len(body["Conducts"]),))
    by_date: dict[str, list[Any]] = {}
    for mark in body["Marks"]:
        by_date.setdefault(mark["Date"], []).append(mark)
    if len(by_date) > MAX_PARTS:
        raise RequestRejectedError(400, f"the marks have more than {MAX_PARTS} dates")
    dates = tuple(sorted(by_date))
    return CheckedPayload(
        kind,
        mode,
        tuple({"Marks": by_date[day]} for day in dates),
        dates,
        tuple(len(by_date[day]) for day in dates),
    )


def _described(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{_place(entry['loc'])}{_said(entry)}" for entry in found[:_LISTED]]
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return "; ".join(lines) + more


def _place(location: tuple[int | str, ...]) -> str:
    # What a union calls its members is of no use to a reader.
    parts = [p for p in location if isinstance(p, int) or not p.startswith(("int", "constrained"))]
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p[:40]}" for p in parts)
    return f"{text.lstrip('.')}: " if text else ""


def _said(entry: Any) -> str:
    if entry["type"] == "extra_forbidden":
        return "is not known here"
    if entry["type"] == "missing":
        return "is missing"
    return str(entry["msg"]).removeprefix("Value error, ")
