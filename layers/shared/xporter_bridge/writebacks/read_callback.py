"""Reads an outcome callback without any word that may quote personal data.

Xporter documents the names but not their place, so URL, form and JSON are read alike and
names are read without regard to case (xporter-api.md 8, 13.18). Nothing here needs more than the
standard library: the receiver has to start quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xporter_bridge.callbacks.bodies import form_of, json_of, text_of, truth_of
from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.errors import CallbackRejectedError
from xporter_bridge.writebacks.messages import OutcomeReceived
from xporter_bridge.writebacks.model import WritebackOutcome

_MAX_RESULTS = 500
_OUTCOME_FIELDS = {"xodcompleted", "trackingid", "message", "exceptionmessage"}
_IDENTITY = re.compile(r"[A-Za-z0-9_.{}-]{1,100}")
# What a failure is about, by words of its message; the message itself is dropped.
_REASONS = (
    ("school_closed", re.compile(r"closed|not open|holiday", re.IGNORECASE)),
    ("agent_unreachable", re.compile(r"agent|offline|unreach|reached|time.?out", re.IGNORECASE)),
    ("session_invalid", re.compile(r"session", re.IGNORECASE)),
    ("lesson_invalid", re.compile(r"instance|lesson|period", re.IGNORECASE)),
    ("mark_invalid", re.compile(r"\bmark\b|attendance code", re.IGNORECASE)),
    ("student_unknown", re.compile(r"student|pupil", re.IGNORECASE)),
    ("staff_unknown", re.compile(r"staff|recordedby", re.IGNORECASE)),
    ("note_too_long", re.compile(r"\bnotes?\b", re.IGNORECASE)),
    ("scope_missing", re.compile(r"scope|permission|forbidden", re.IGNORECASE)),
    ("not_supported", re.compile(r"support", re.IGNORECASE)),
    ("type_unknown", re.compile(r"typeid|statusid|lookup", re.IGNORECASE)),
)


def category(message: str) -> str:
    """Return the subject of Xporter's message as one of our own words."""
    for reason, words in _REASONS:
        if words.search(message):
            return reason
    return "refused"


def read_outcome(query: Mapping[str, str], body: bytes) -> WritebackOutcome:
    """Return the outcome in the URL's parameters and, where those are silent, in the body.

    A body that cannot be read counts as silent, also if its content type is JSON.

    Raises:
        CallbackRejectedError: 400 when nothing says whether the writeback completed.
    """
    in_url, in_body = fold_keys(query), _said_in(body)
    said = {**in_body, **in_url}
    completed = truth_of(in_url.get("xodcompleted"))
    if completed is None:
        completed = truth_of(in_body.get("xodcompleted"))
    if completed is None:
        raise CallbackRejectedError(400, "xodcompleted_missing")
    message = said.get("exceptionmessage") or said.get("message") or ""
    return WritebackOutcome(
        is_completed=completed,
        tracking_id=_identity(said.get("trackingid")),
        reason="" if completed else category(spelled(message)),
        results=tuple(_results(said.get("result")))[:_MAX_RESULTS],
    )


def message_of(estab: str, subject: str, outcome: WritebackOutcome) -> OutcomeReceived:
    """Return the message that carries the outcome."""
    return OutcomeReceived(
        estab,
        subject,
        is_completed=outcome.is_completed,
        tracking_id=outcome.tracking_id,
        reason=outcome.reason,
        results=outcome.results,
    )


def outcome_of(message: OutcomeReceived) -> WritebackOutcome:
    """Return the outcome that a queue held."""
    return WritebackOutcome(
        is_completed=message.is_completed,
        tracking_id=message.tracking_id,
        reason=message.reason,
        results=message.results,
    )


def subject_of(id_: str, number: int, attempt: int) -> str:
    """Return the subject in the callback URL of one attempt to send one part."""
    return f"{id_}.{number}.{attempt}"


def parse_subject(subject: str) -> tuple[str, int, int] | None:
    """Return the id, the part's number and the attempt, or None if it is no such subject."""
    found = re.fullmatch(r"([a-z0-9-]+)\.(\d{1,4})\.(\d{1,4})", subject)
    return (found[1], int(found[2]), int(found[3])) if found else None


def _said_in(body: bytes) -> dict[str, Any]:
    text = text_of(body)
    document = json_of(text)
    if isinstance(document, Mapping):
        return fold_keys(document)
    if isinstance(document, list):
        return {"result": document}
    fields = fold_keys({name: value for name, value in form_of(text) if value is not ...})
    # How a failure is worded is documented nowhere: plain words are as good as a field of them.
    return {"message": text} if _OUTCOME_FIELDS.isdisjoint(fields) else fields


def _results(value: Any) -> Iterator[tuple[str, str]]:
    for entry in value if isinstance(value, list) else ():
        ids = fold_keys(entry) if isinstance(entry, Mapping) else {}
        ours, theirs = _identity(ids.get("incidentid")), _identity(ids.get("actualid"))
        if ours and theirs:
            yield ours, theirs


def _identity(value: Any) -> str:
    text = spelled(value if value is not None else "").strip()
    return text if _IDENTITY.fullmatch(text) else ""
