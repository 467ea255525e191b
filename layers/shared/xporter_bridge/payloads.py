"""What strangers send us, read tolerantly: each model keeps only what the system acts on.

Xporter documents names, seldom shapes (xporter-api.md 3, 6, 8 and 13), so keys are read without
regard to case, unknown ones are ignored, and form and JSON bodies are equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from xporter_bridge.errors import CallbackRejectedError

Estab = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{7}$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

_TRUE = {"true", "1", "yes", "y", "on"}
_FALSE = {"false", "0", "no", "n", "off"}
_MAX_FIELDS = 200


class AuthenticationCallback(BaseModel):
    """A school has authorised us, or has finished installing (xporter-api.md 3).

    ``is_installed`` and ``has_completed_install`` are None where the callback does not say: the
    names of both parameters are documented nowhere, so anything that speaks of installing counts.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    secret: Word = Field(alias="schoolsecret", repr=False)
    estab: Estab = Field(alias="schoolid")
    relying_party: Word = Field(alias="partnerid")
    school_name: str = Field(default="", alias="schoolname", max_length=300)
    scopes: str = Field(default="", max_length=20_000)
    third_party: str = Field(default="", alias="thirdparty", max_length=200)
    is_installed: bool | None = None
    has_completed_install: bool | None = None


class WritebackOutcome(BaseModel):
    """What became of a writeback (xporter-api.md 8).

    ``results`` pairs the ids of our request with those of the MIS, for conduct.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    is_completed: bool
    tracking_id: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=2_000)
    results: tuple[tuple[str, str], ...] = ()


def read_authentication(fields: Mapping[str, Any]) -> AuthenticationCallback:
    """Return the callback that the form fields make, or raise.

    Raises:
        CallbackRejectedError: 400, naming the first unusable field, never its value.
    """
    try:
        return AuthenticationCallback.model_validate({**fields, **_install_flags(fields)})
    except ValidationError as error:
        raise _malformed(error) from error


def read_outcome(query: Mapping[str, str], body: Mapping[str, Any]) -> WritebackOutcome:
    """Return the outcome told by URL parameters and, where those are silent, by the body.

    Raises:
        CallbackRejectedError: 400 when neither says whether the writeback completed.
    """
    said = {**fold(body), **fold(query)}
    completed = _truth(said.get("xodcompleted"))
    if completed is None:
        raise CallbackRejectedError(400, "xodcompleted_missing")
    try:
        return WritebackOutcome(
            is_completed=completed,
            tracking_id=str(said.get("trackingid") or ""),
            reason=str(said.get("exceptionmessage") or said.get("message") or ""),
            results=tuple(_results(said.get("result"))),
        )
    except ValidationError as error:
        raise _malformed(error) from error


def read_fields(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a form or JSON body, names in lower case.

    Without a content type the body is judged by its first character: Xporter documents neither
    the type nor the encoding of most of its callbacks.

    Raises:
        CallbackRejectedError: 400 for a body that is absent, neither form nor JSON, not what its
            type claims, not UTF-8, holds a NUL, or names a field twice.
    """
    text = _text(body)
    if not text:
        raise CallbackRejectedError(400, "body_absent")
    media_type = content_type.partition(";")[0].strip().casefold()
    if media_type == "application/json" or (not media_type and text[0] in "[{"):
        return _json_fields(text)
    if media_type in {"", "application/x-www-form-urlencoded"}:
        return _form_fields(text)
    raise CallbackRejectedError(400, "content_type_unknown")


def read_query(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the query parameters with names in lower case.

    Raises:
        CallbackRejectedError: 400 for a NUL in a name or a value.
    """
    if any("\0" in name + value for name, value in pairs.items()):
        raise CallbackRejectedError(400, "nul_in_query")
    return {name.casefold(): value for name, value in pairs.items()}


def fold(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping with its names in lower case."""
    return {str(name).casefold(): value for name, value in mapping.items()}


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CallbackRejectedError(400, "body_not_utf8") from error
    if "\0" in text:
        raise CallbackRejectedError(400, "nul_in_body")
    return text.strip()


def _json_fields(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise CallbackRejectedError(400, "body_not_json") from error
    # An array is how a DBStatus may come; it gets the name that its siblings have.
    pairs = value.items() if isinstance(value, dict) else [("dbstatus", value)]
    return _without_nul(_distinct([(name.casefold(), entry) for name, entry in pairs]))


def _form_fields(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            text.strip("&"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise CallbackRejectedError(400, "body_not_form") from error
    return _without_nul(
        _distinct([(name.strip().casefold(), value.strip()) for name, value in pairs])
    )


def _without_nul(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields, unless an escape brought in what the raw body may not hold."""
    texts = (text for field in fields.items() for text in field if isinstance(text, str))
    if any("\0" in text for text in texts):
        raise CallbackRejectedError(400, "nul_in_body")
    return fields


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise CallbackRejectedError(400, "field_repeated")
        fields[name] = value
    return fields


def _install_flags(fields: Mapping[str, Any]) -> dict[str, bool | None]:
    installed = completed = None
    for name, value in fields.items():
        if re.search("install", name, re.IGNORECASE):
            if "complet" in name.casefold():
                completed = _truth(value)
            else:
                installed = _truth(value)
    return {"is_installed": installed, "has_completed_install": completed}


def _truth(value: object) -> bool | None:
    word = str(value).strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _results(value: Any) -> Iterator[tuple[str, str]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            ids = fold(entry)
            if "incidentid" in ids and "actualid" in ids:
                yield str(ids["incidentid"]), str(ids["actualid"])


def _malformed(error: ValidationError) -> CallbackRejectedError:
    place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    return CallbackRejectedError(400, f"{place[0] if place else 'body'}_malformed")
