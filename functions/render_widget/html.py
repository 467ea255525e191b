"""Pieces of HTML that CloudWatch shows inside a dashboard, everything escaped.

CloudWatch removes scripts. It colours text and tables for its light and its dark theme; no colour
is set here, so that the contrast is CloudWatch's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape

from xporter_bridge.timestamps import parse

_HOUR, _DAY = 3600, 86400


def button(text: str, endpoint: str, asked: Mapping[str, str], label: str = "") -> str:
    """Return a button that calls this function again and shows the answer in the widget.

    CloudWatch binds a ``cwdb-action`` to the element before it.
    """
    named = f' aria-label="{escape(label)}"' if label else ""
    document = escape(json.dumps(asked), quote=False)
    return (
        f'<button type="button" class="btn"{named}>{escape(text)}</button>'
        f'<cwdb-action action="call" display="widget" endpoint="{escape(endpoint)}">'
        f"{document}</cwdb-action>"
    )


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells are HTML already, the first of each row names the row."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
        for first, *others in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def ago(moment: str | None, now: datetime) -> str:
    """Return how long ago a time was, which a mouse over it shows to the second."""
    if not moment:
        return ""
    said = age(int((now - parse(moment)).total_seconds()))
    exact = escape(moment)
    return f'<time datetime="{exact}" title="{exact}">{said} ago</time>'


def until(moment: str, now: datetime) -> str:
    """Return how long it is until a time, which a mouse over it shows to the second."""
    exact, left = escape(moment), int((parse(moment) - now).total_seconds())
    return f'<time datetime="{exact}" title="{exact}">{age(left)}</time>'


def age(seconds: int) -> str:
    """Return a time span for a person."""
    if seconds < 2 * _HOUR:
        return f"{max(seconds, 0) // 60} min"
    return f"{seconds // _HOUR} h" if seconds < 2 * _DAY else f"{seconds // _DAY} days"
