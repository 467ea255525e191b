"""Faults that a test switches on: their kinds, rates, and the schools that they affect."""

import random
from dataclasses import dataclass, field
from typing import Any

from tools.simulator.http.errors import ControlError

#: Every kind, and where it strikes.
KINDS: dict[str, str] = {
    "rate_limited": "request: 429, with Retry-After when retry_after is given",
    "server_error": "request: status (500, 502 or 503) and no JSON",
    "odd_answer": "request: status and body of something that is not Xporter",
    "cut_json": "request: the reply's JSON ends in the middle",
    "cut_connection": "request: the connection closes in the middle of the reply",
    "dropped_connection": "request: a kept connection is found closed; nothing is read",
    "slow": "request: delay_ms before the answer",
    "page_drift": "request: a row comes and one goes between two pages of a pull",
    "expired_token": "request: a valid token is refused as expired",
    "paused": "token: the school is paused",
    "refused_secret": "token: the right secret is refused",
    "missing_scopes": "TokenDetails: names all scopes but those of value; none at all without it",
    "unknown_hash": "request: the hash of changedRows is unknown",
    "stale_cache": "request: parameterised data are served as they were when first asked for",
    "missing_column": "request: column is left out of the rows",
    "added_column": "request: column appears in the rows with value",
    "key_casing": "request: keys of the rows change their casing",
    "odd_meta": "request: value is the time in meta; without value there is none",
    "odd_count": "request: value is what column (PageCount, RowCount) of __pagination__ says",
    "odd_member": "request: a member called column, with value, stands beside the tables",
    "many_columns": "request: every row of the main table has value more columns",
    "odd_encoding": "request: packed as value says: members, deflate, raw_deflate, unlabelled, "
    "mislabelled, or not at all with value as the label",
    "odd_json": "request: not quite JSON; value is nan, infinity, control, surrogate, apostrophe "
    "(in column), bom or comma",
    "deleted_ids": "request: ids in the _deleted arrays are written as value, default PL-{}",
    "empty_tables": "request: every table, or only table, comes without rows",
    "not_ready": "request: empty tables beside a DBStatus; value is its status, column its name",
    "availability_pending": "callbackUrl: ready only after another delay_ms",
    "availability_not_ok": "callbackUrl: called back after 10 minutes (scaled), not OK",
    "availability_error": "callbackUrl: called back at once with an error",
    "availability_never": "callbackUrl: never called back",
    "availability_late": "callbackUrl: called back after 20 minutes (scaled), OK",
    "lost_callback": "callback: never sent",
    "late_callback": "callback: sent after delay_ms",
    "duplicate_callback": "callback: sent twice",
    "forged_callback": "callback: a forgery is sent just before",
    "reordered_callback": "callback: sent after the next one",
    "second_question_mark": "callback: what is added to the URL begins with ? where & is meant",
    "odd_body": "callback: body, or the authentication form written like that, as content_type",
    "refused_writeback": "writeback: refused by the MIS; XodCompleted=False",
    "agent_offline": "writeback: refused at once, or after an hour (scaled) when asynchronous",
    "lost_answer": "writeback: written, but the connection closes without an answer",
    "corrected_writeback": "writeback: a person changes what was written; value: mark or note",
    "other_spelling": "request: ids, days, points and marks in other spellings of the same",
    "failed_webhook_registration": "request: the registration is refused in the body",
}
_ALIASES = {
    "429": "rate_limited", "5xx": "server_error", "500": "server_error", "502": "server_error",
    "503": "server_error", "cut": "cut_json", "truncated_json": "cut_json", "drift": "page_drift",
    "expired_tokens": "expired_token", "paused_school": "paused", "lost": "lost_callback",
    "late": "late_callback", "duplicate": "duplicate_callback", "duplicated": "duplicate_callback",
    "forged": "forged_callback", "lost_callbacks": "lost_callback",
    "late_callbacks": "late_callback", "duplicated_callbacks": "duplicate_callback",
    "forged_callbacks": "forged_callback", "refused_writebacks": "refused_writeback",
}  # fmt: skip
_COMMON = {"kind", "rate", "count", "path", "estab", "callback", "skip"}
_PARAMETERS = {
    "retry_after",
    "status",
    "delay_ms",
    "column",
    "table",
    "body",
    "value",
    "content_type",
}


@dataclass
class Fault:
    """One fault and how often it has struck."""

    kind: str
    rate: float = 1.0
    count: int | None = None
    path: str = ""
    estab: str | None = None
    callback: str | None = None
    skip: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    applied: int = 0

    def concerns(self, path: str, estab: str | None, callback: str | None) -> bool:
        """Tell whether the fault is meant for this request or callback."""
        return (
            (self.count is None or self.applied < self.count)
            and self.path.lower() in path.lower()
            and self.estab in (None, estab)
            and self.callback in (None, callback)
        )


class Faults:
    """The faults in force; a seed makes their rates reproducible."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._chance = random.Random(0)

    def replace(self, faults: list[Fault], seed: int) -> None:
        """Put ``faults`` in force instead of all others."""
        self._faults = faults
        self._chance = random.Random(seed)

    def clear(self) -> None:
        """End all faults."""
        self._faults = []

    def take(
        self, kind: str, *, path: str = "", estab: str | None = None, callback: str | None = None
    ) -> Fault | None:
        """Return the fault of this kind that strikes now, and count it."""
        for fault in self._faults:
            if fault.kind != kind or not fault.concerns(path, estab, callback):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.rate >= 1.0 or self._chance.random() < fault.rate:
                fault.applied += 1
                return fault
        return None

    def is_on(self, kind: str) -> bool:
        """Tell whether a fault of this kind is in force."""
        return any(fault.kind == kind for fault in self._faults)

    def describe(self) -> dict[str, Any]:
        """Return the faults in force and how often each has struck."""
        return {
            "faults": [
                {
                    "kind": fault.kind,
                    "rate": fault.rate,
                    "count": fault.count,
                    "path": fault.path,
                    "estab": fault.estab,
                    "callback": fault.callback,
                    **fault.parameters,
                    "applied": fault.applied,
                }
                for fault in self._faults
            ],
            "kinds": KINDS,
        }


def read(body: Any) -> tuple[list[Fault], int]:
    """Return the faults and the seed of a PUT /_sim/faults.

    Raises:
        ControlError: A kind, name or value is unknown.
    """
    seed = 0
    if isinstance(body, dict) and isinstance(body.get("faults", body), list | dict):
        seed = body.get("seed", 0)
        body = body.get("faults", {name: value for name, value in body.items() if name != "seed"})
    if isinstance(body, dict):
        body = [{"kind": kind, **_occurrence(value)} for kind, value in body.items()]
    if not isinstance(body, list) or not isinstance(seed, int):
        raise ControlError('expected a list of faults, or {"faults": […], "seed": n}')
    return [_fault(each) for each in body], seed


def _occurrence(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError("a fault's value is an object, a rate (0.0-1.0) or a count")
    return {"count": value} if isinstance(value, int) else {"rate": value}


def _fault(facts: Any) -> Fault:
    if not isinstance(facts, dict) or not isinstance(facts.get("kind"), str | int):
        raise ControlError("each fault is an object with a kind")
    given = str(facts["kind"])
    kind = _ALIASES.get(given, given)
    if kind not in KINDS:
        raise ControlError(f"unknown kind {given!r}; known: {', '.join(KINDS)}")
    if unknown := facts.keys() - _COMMON - _PARAMETERS:
        raise ControlError(f"unknown in a fault: {', '.join(sorted(unknown))}")
    parameters = {name: facts[name] for name in _PARAMETERS & facts.keys()}
    if given.isdecimal() and kind == "server_error":
        parameters.setdefault("status", int(given))
    _check(facts)
    return Fault(
        kind=kind,
        rate=float(facts.get("rate", 1.0)),
        count=facts.get("count"),
        path=facts.get("path", ""),
        estab=facts.get("estab"),
        callback=facts.get("callback"),
        skip=facts.get("skip", 0),
        parameters=parameters,
    )


def _check(facts: dict[str, Any]) -> None:
    rate, count = facts.get("rate", 1.0), facts.get("count")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ControlError("rate lies between 0 and 1")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise ControlError("count is a whole number")
    for name in ("path", "estab", "callback", "column", "table", "body", "content_type"):
        if not isinstance(facts.get(name, ""), str):
            raise ControlError(f"{name} is text")
    # Whoever stands before Xporter may write anything into a Retry-After.
    numbers = {"retry_after", "status", "delay_ms", "skip"}
    if isinstance(facts.get("retry_after"), str):
        numbers.remove("retry_after")
    for name in sorted(numbers):
        value = facts.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ControlError(f"{name} is a number")
