"""DBStatus, whose shape no public source gives: found wherever it may be in what Xporter sends.

Only names and statuses are kept: messages beside them may say anything (xporter-api.md 6, 13.7).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from xporter_bridge.errors import CallbackRejectedError

Statuses = tuple[tuple[str, str], ...]

_OK = "ok"
_MOST = 20
_WORD = re.compile(r"[^A-Za-z0-9_.-]+")
_STATUS = re.compile("status", re.IGNORECASE)
_NAME = re.compile("name|database|^db$", re.IGNORECASE)


def is_ready(statuses: Statuses) -> bool:
    """Tell whether every component database is OK; saying nothing is not being ready."""
    return bool(statuses) and all(status.casefold() == _OK for _, status in statuses)


def statuses_in(document: Any) -> Statuses:
    """Return (database, status) of every object that has a status, wherever it stands."""
    found = dict.fromkeys(_walk(document, 0))
    return tuple(found)[:_MOST]


def read_statuses(body: bytes, content_type: str) -> Statuses:
    """Return what the body of an availability callback says, JSON or form; often nothing.

    Nothing is documented of its encoding, so a content type decides only where the body leaves
    a choice, and an empty body is one that confirms nothing.

    Raises:
        CallbackRejectedError: 400 for a body that is neither.
    """
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise CallbackRejectedError(400, "body_not_utf8") from error
    if not text:
        return ()
    is_form = content_type.partition(";")[0].strip().casefold() == (
        "application/x-www-form-urlencoded"
    )
    return statuses_in(_form(text) if is_form or text[0] not in '[{"' else _json(text))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallbackRejectedError(400, "body_not_json") from error


def _form(text: str) -> Any:
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict"))
    except ValueError as error:
        raise CallbackRejectedError(400, "body_not_form") from error
    return fields


def _walk(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST:
        return
    if isinstance(value, str) and _is_nested(value):
        value = _json(value)  # An object that was encoded twice.
    if isinstance(value, Mapping):
        yield from _own(value)
    children = value.values() if isinstance(value, Mapping) else value
    for child in children if isinstance(value, Mapping | list) else ():
        yield from _walk(child, depth + 1)


def _own(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = {name: value for name, value in entry.items() if _STATUS.search(name)}
    # ``Status`` speaks for its object; a ``StatusMessage`` beside it only comments on it.
    named = {name: value for name, value in said.items() if name.casefold().endswith("status")}
    names = [value for name, value in entry.items() if _NAME.search(name) and value]
    for value in (named or said).values():
        if not _is_nested(value):
            yield _word(names[0] if names else ""), _word(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) or (isinstance(value, str) and value[:1] in ("[", "{"))


def _word(value: Any) -> str:
    return _WORD.sub(" ", str(value)).strip()[:60]
