"""The authentication callback, read tolerantly: the model keeps only what the system acts on.

Xporter documents most names and not all (xporter-api.md 3 and 13.1), so unknown fields are
ignored, and those of the install flags are told by what they speak of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from xporter_bridge.callbacks.bodies import truth_of
from xporter_bridge.errors import CallbackRejectedError

_MAX_NAME_CHARACTERS = 300


def _as_text(value: object) -> object:
    # Digits in JSON may come as a number; True is one to Python and none to us.
    return str(value) if type(value) is int else value


def _as_name(value: object) -> str:
    # It is for people to read: no callback is refused, and no secret lost, for its sake.
    text = value if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode().strip()[:_MAX_NAME_CHARACTERS]


Estab = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{7}$"),
]
Name = Annotated[str, BeforeValidator(_as_name)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class AuthenticationCallback(BaseModel):
    """A school has authorised us, or has finished installing (xporter-api.md 3).

    ``is_installed`` and ``has_completed_install`` are None where the callback does not say: the
    names of both parameters are documented nowhere, so anything that speaks of installing counts.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    secret: Word = Field(alias="schoolsecret", repr=False)
    estab: Estab = Field(alias="schoolid")
    relying_party: Word = Field(alias="partnerid")
    school_name: Name = Field(default="", alias="schoolname")
    is_installed: bool | None = None
    has_completed_install: bool | None = None


def read_authentication(fields: Mapping[str, Any]) -> AuthenticationCallback:
    """Return the callback that the form fields make, or raise.

    Raises:
        CallbackRejectedError: 400, naming the first unusable field, never its value.
    """
    try:
        return AuthenticationCallback.model_validate({**fields, **_install_flags(fields)})
    except ValidationError as error:
        raise _malformed(error) from error


def _install_flags(fields: Mapping[str, Any]) -> dict[str, bool | None]:
    installed = completed = None
    for name, value in fields.items():
        if re.search("install", name, re.IGNORECASE):
            if "complet" in name.casefold():
                completed = truth_of(value)
            else:
                installed = truth_of(value)
    return {"is_installed": installed, "has_completed_install": completed}


def _malformed(error: ValidationError) -> CallbackRejectedError:
    place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    return CallbackRejectedError(400, f"{place[0] if place else 'body'}_malformed")
