"""Reads the authentication callback; the model has only the fields that the system uses.

Xporter documents most field names but not all (xporter-api.md 3 and 13.1). Unknown fields are
ignored; the install flags are recognised by words in their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from xporter_bridge.callbacks.bodies import truth_of
from xporter_bridge.casing import spelled
from xporter_bridge.errors import CallbackRejectedError

_MAX_NAME_CHARACTERS = 300
# Characters that SQS refuses or nobody reads: controls, lone surrogates, noncharacters.
_NO_TEXT = re.compile("[^ -\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


def _as_text(value: object) -> object:
    # JSON may have digits as a number. bool is a subclass of int, and True is no number here.
    return str(value) if type(value) is int else value


def _as_name(value: object) -> str:
    # The name is for people only: a fault in it must not refuse the callback and lose the secret.
    text = value if isinstance(value, str) else ""
    return " ".join(_NO_TEXT.sub(" ", text).split())[:_MAX_NAME_CHARACTERS]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("unprintable")
    return text


Estab = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{7}$"),
]
Name = Annotated[str, BeforeValidator(_as_name)]
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]


class AuthenticationCallback(BaseModel):
    """A school has authorised us, or has finished installing (xporter-api.md 3).

    ``is_installed`` and ``has_completed_install`` are None if the callback has no such flag. The
    names of both flags are not documented: each field whose name contains "install" counts.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    secret: Word = Field(alias="schoolsecret", repr=False)
    estab: Estab = Field(alias="schoolid")
    relying_party: Word = Field(alias="partnerid")
    school_name: Name = Field(default="", alias="schoolname")
    is_installed: bool | None = None
    has_completed_install: bool | None = None


def read_authentication(fields: Iterable[tuple[str, Any]]) -> AuthenticationCallback:
    """Return the callback of the fields of a body.

    Only the fields that are used must be present and unambiguous: secret, school and partner.

    Raises:
        CallbackRejectedError: 400; names the first unusable field without its value.
    """
    fields = list(fields)
    acted_on = {name: _only(fields, name) for name in ("schoolsecret", "schoolid", "partnerid")}
    try:
        return AuthenticationCallback.model_validate(
            {**acted_on, "schoolname": _school_name(fields), **_install_flags(fields)}
        )
    except ValidationError as error:
        raise _malformed(error) from error


def _only(fields: Iterable[tuple[str, Any]], name: str) -> Any:
    """Return the only value of a field, even if it is repeated; None if there is no value."""
    values = [value for given, value in fields if given.casefold() == name]
    distinct = {spelled(value).strip(): value for value in values if value not in (None, "")}
    if len(distinct) > 1:
        raise CallbackRejectedError(400, f"{name}_ambiguous")
    return next(iter(distinct.values()), None)


def _school_name(fields: Iterable[tuple[str, Any]]) -> str:
    """Return the name; joins the parts of a name that contains an unescaped ``&``."""
    name, is_open = "", False
    for field, value in fields:
        if field.casefold() == "schoolname" and isinstance(value, str):
            name, is_open = value, True
        elif value is ... and is_open and not _speaks_of_install(field):
            name += f" & {field}"
        else:
            is_open = False
    return name


def _install_flags(fields: Iterable[tuple[str, Any]]) -> dict[str, bool | None]:
    said: dict[str, set[bool]] = {"is_installed": set(), "has_completed_install": set()}
    for name, value in fields:
        if _speaks_of_install(name):
            flag = "has_completed_install" if "complet" in name.casefold() else "is_installed"
            # A flag without a value means true.
            truth = True if value is ... else truth_of(value)
            said[flag] |= set() if truth is None else {truth}
    return {name: truths.pop() if len(truths) == 1 else None for name, truths in said.items()}


def _speaks_of_install(name: str) -> bool:
    return "install" in name.casefold()


def _malformed(error: ValidationError) -> CallbackRejectedError:
    place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    return CallbackRejectedError(400, f"{place[0] if place else 'body'}_malformed")
