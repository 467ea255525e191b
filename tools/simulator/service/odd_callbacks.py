"""Callbacks that deviate from the documentation, as old clients and proxies make them."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.simulator.service.application import World
from tools.simulator.service.callback_sender import Call


def _named(name: bytes) -> Callable[[bytes], bytes]:
    return lambda form: re.sub(b"schoolName=[^&]*", lambda _: b"schoolName=" + name, form)


#: Authentication forms with differences that must not matter.
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "ampersand": _named(b"St+Mary+&+St+Joseph"),
    "windows_1252": _named(b"Ysgol+G\xe2r"),
    "windows_1252_escaped": _named(b"Ysgol+G%E2r"),
    "forbidden_character": _named(b"Hill%EF%BF%BFTop"),
    "nul": _named(b"Hill%00Top"),
    "bare_flag": lambda form: form + b"&surprise&xodInstalled",
    "twice": lambda form: form + b"&scopes=School&scopes=Student",
}
#: Bodies that no callback has, whatever their Content-Type.
BODIES = {
    "empty": b"",
    "cut": b'{"result": [{"IncidentId": ',
    "page": b"<html><h1>We'll be back soon</h1></html>",
    "words": b"see the school's log",
    "bytes": b"\xff\xfe\x00\x81",
    "list_of_words": b'["[see SEN file]"]',
}


def odd(world: World, call: Call, place: dict[str, Any]) -> Call:
    """Return the call as the faults in force would have it made."""
    if world.faults.take("second_question_mark", **place):
        begun, mark, added = call.url.rpartition("&XodCompleted=")
        url = f"{begun}?XodCompleted={added}" if mark else f"{call.url}?sent=1"
        call = replace(call, url=url)
    if struck := world.faults.take("odd_body", **place):
        call = _with_odd_body(call, struck.parameters)
    return call


def _with_odd_body(call: Call, parameters: dict[str, Any]) -> Call:
    name = str(parameters.get("body", "page"))
    if call.kind == "authentication":
        body = FORMS[name](call.body) if name in FORMS else call.body
    else:
        body = BODIES.get(name, name.encode())
    return replace(call, body=body, content_type=parameters.get("content_type", call.content_type))
