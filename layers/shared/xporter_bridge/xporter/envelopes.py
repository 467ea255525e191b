"""The meaning of Xporter's responses: success, refusal or pause, for each call.

The envelope decides the meaning of a response at any status below 500; a response without envelope
is an outage. Servers in front of Xporter (its hosting platform, a proxy, a maintenance page)
respond without an envelope, also with 200, 403 or 404. Such a response is no evidence about the
school, its secret or its scopes. docs/xporter-api.md, section 9.1, has the same list as a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from xporter_bridge.casing import fold_keys, spelled

Body = Mapping[str, Any]


class Meaning(Enum):
    """The meaning of a response for its call."""

    SUCCESS = auto()
    REFUSAL = auto()
    PAUSE = auto()
    OUTAGE = auto()


@dataclass(frozen=True)
class Call:
    """One of Xporter's calls.

    ``is_success`` recognises the documented response, and ``is_refusal`` a refusal of this call
    only; both take the body with names in lower case.
    """

    name: str
    is_success: Callable[[Body], bool]
    is_refusal: Callable[[Body], bool] = lambda _: False


def meaning_of(call: Call, status: int, body: Body) -> Meaning:
    """Return the meaning of a response that is an object or empty.

    A response with 5xx is an outage: the platform's own exceptions have the keys of the envelope.
    """
    if status >= 500 or status == 429:
        return Meaning.OUTAGE
    said = fold_keys(body)
    if _is_pause(said):
        return Meaning.PAUSE
    if exception_of(said) or call.is_refusal(said):
        return Meaning.REFUSAL
    is_fine = 200 <= status < 300 and call.is_success(said)
    return Meaning.SUCCESS if is_fine else Meaning.OUTAGE


def exception_of(body: Body) -> str:
    """Return Xporter's exception text; empty if the response has none.

    ``Message`` alone is not an exception: successful responses have it too (xporter-api.md 9).
    """
    said = fold_keys(body).get("exceptionmessage")
    # A list is a table with that name.
    return "" if said is None or isinstance(said, list) else spelled(said).strip()


def estab_in(body: Body) -> str:
    """Return the seven digits of ``Estab``, also of ``328/1102``; empty if there is none."""
    digits = re.sub(r"[\s/-]", "", spelled(fold_keys(body).get("estab")))
    return digits if re.fullmatch(r"[0-9]{7}", digits) else ""


def scopes_in(body: Body) -> tuple[str, ...] | None:
    """Return the scopes in TokenDetails, a list or a text; None if the field is missing.

    An empty list means that the token has no scopes.
    """
    granted = fold_keys(body).get("scopes")
    names = granted.split(",") if isinstance(granted, str) else granted
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(filter(None, dict.fromkeys(name.strip() for name in names)))


def data_call(tables: frozenset[str], *, with_callback: bool) -> Call:
    """Return the call of a data endpoint.

    Args:
        tables: The names of its tables, in lower case.
        with_callback: The request has a ``callbackUrl``. Its response is not documented, so a
            DBStatus or an empty response is a success too (xporter-api.md 13.8).
    """

    def is_success(body: Body) -> bool:
        return _has_data(body, tables) or (with_callback and _is_status_or_nothing(body))

    return Call("School", is_success)


def _is_pause(body: Body) -> bool:
    is_said = spelled(body.get("authorisationpaused")).strip().casefold() in {"true", "1", "yes"}
    message = exception_of(body)
    return is_said or bool(
        re.search(r"authori[sz]ation\b.*\bpaused", message, re.IGNORECASE | re.DOTALL)
    )


def _has_token(body: Body) -> bool:
    token = body.get("token")
    return isinstance(token, str) and bool(token.strip())


def _has_no_token(body: Body) -> bool:
    has_envelope = "expires" in body or not _ENVELOPE.isdisjoint(body)
    return "token" in body and body["token"] is None and has_envelope


def _has_details(body: Body) -> bool:
    partner = body.get("relyingparty")
    is_ours = isinstance(partner, str) and bool(partner.strip())
    return is_ours and bool(estab_in(body)) and scopes_in(body) is not None


def _is_done(body: Body) -> bool:
    """Recognise the empty envelope, or a success text in its field."""
    said = body.get("message")
    if said is None:
        return "exceptionmessage" in body
    return isinstance(said, str) and said.strip(" .!").casefold() in _SUCCESS_WORDS


def _is_taken(body: Body) -> bool:
    return bool(spelled(body.get("trackingid") or "").strip()) or _is_done(body)


def _has_data(body: Body, tables: frozenset[str]) -> bool:
    """Recognise tables by their names, or the other members of every page."""
    return any(
        name.removesuffix("_deleted") in tables or name == "meta" or name in _BESIDE_TABLES
        for name, value in body.items()
        if isinstance(value, list) or (isinstance(value, dict) and name in _BESIDE_TABLES)
    )


def _is_status_or_nothing(body: Body) -> bool:
    return not body or any(is_status_name(name) for name in body)


def is_status_name(name: str) -> bool:
    """Tell whether a member is the DBStatus; its casing and underscores vary."""
    return name.strip("_").casefold() == "dbstatus"


_ENVELOPE = frozenset({"message", "exceptiontype", "exceptionmessage", "innerexception"})
_BESIDE_TABLES = frozenset({"__pagination__", "__changedrows__"})
_SUCCESS_WORDS = frozenset({"success", "ok"})

GET_TOKEN = Call("GetToken", _has_token, _has_no_token)
TOKEN_DETAILS = Call("TokenDetails", _has_details)
REGISTER_WEBHOOK = Call("Webhook", _is_done)
WRITE = Call("Writeback", _is_taken)
