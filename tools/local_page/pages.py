"""The documents of the local page: HTML without a template engine, everything escaped."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
_MOST = 20


def document(title: str, body: str, *, is_live: bool = True) -> str:
    """Return a page; one that is not live is complete in itself, and runs nothing."""
    head = (
        '<link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script>'
        if is_live
        else f"<style>{STYLE}</style>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>{head}</head><body>{body}</body></html>\n"
    )


def dashboards(names: Sequence[str], boards: str, *, is_live: bool) -> str:
    """Return the page of all dashboards."""
    here = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)
    home = '<a href="/">local page</a>' if is_live else ""
    about = "Times are UTC. Charts have shorter periods than on AWS as long as the run is short."
    heading = "Dashboards of the local stack"
    body = f'<h1>{heading}</h1><nav>{home}{here}</nav><p id="status">{about}</p>{boards}'
    return document(heading, body, is_live=is_live)


def home(widget: str, actions: Sequence[str], links: Mapping[str, str]) -> str:
    """Return the first page: the schools, what can be done, events and callbacks."""
    listed = "".join(f'<a href="{escape(url)}">{escape(text)}</a>' for text, url in links.items())
    buttons = " ".join(
        f'<button type="button" data-does="{escape(each)}">{escape(each)}</button>'
        for each in actions
    )
    body = (
        f"<h1>Xporter Bridge on this machine</h1><nav>{listed}</nav>"
        f'<div class="card"><h3>What schools and Xporter do</h3><p>{buttons}</p>'
        '<p id="status" role="status"></p></div>'
        f'<div class="card"><div class="called" data-params="{{}}">{widget}</div></div>'
        '<div class="card" data-live="/happened"></div>'
    )
    return document("Xporter Bridge on this machine", body)


def happened(events: Sequence[str], callbacks: Sequence[Mapping[str, Any]] | None) -> str:
    """Return what was published, and what Xporter called."""
    shown = "".join(_event(each) for each in events[:_MOST])
    published = f"<table>{shown}</table>" if shown else "<p>None yet.</p>"
    return f"<h3>Events published</h3>{published}<h3>Callbacks of Xporter</h3>{_called(callbacks)}"


def _event(body: str) -> str:
    detail = json.loads(body).get("detail", {})
    return _row((detail.get("timestamp"), detail.get("type"), json.dumps(detail.get("data"))))


def _called(callbacks: Sequence[Mapping[str, Any]] | None) -> str:
    if callbacks is None:
        return "<p>This Xporter is not the simulator, so nobody tells.</p>"
    # The URL of a callback holds its signature or the token of the authentication URL.
    shown = "".join(_row([each.get(name, "") for name in _CALLBACK]) for each in callbacks[:_MOST])
    return f"<table>{shown}</table>" if shown else "<p>None yet.</p>"


def _row(cells: Sequence[Any]) -> str:
    return f"<tr>{''.join(f'<td>{escape(str(each))}</td>' for each in cells)}</tr>"


_CALLBACK = ("at", "kind", "estab", "status")
