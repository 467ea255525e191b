"""The paths of the local page."""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tools.local_page import pages
from tools.local_page.console import Console
from tools.local_page.dashboards import Dashboards
from tools.set_up import ROOT

# Nothing but the page's own script runs, whatever the HTML of a widget holds.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'"
)
_JSON = "application/json"


class Server:
    """Answers for one stack; the handlers block, so Starlette runs them in threads."""

    def __init__(self, boards: Dashboards, console: Console, links: Mapping[str, str]) -> None:
        self._boards = boards
        self._console = console
        self._links = links

    def app(self) -> Starlette:
        """Return the application."""
        gets: dict[str, Callable[[Request], Response]] = {
            "/": self._home,
            "/dashboards": lambda _: self._dashboards(is_live=True),
            "/dashboard.html": lambda _: self._dashboards(is_live=False),
            "/dashboards/panels": lambda _: JSONResponse(self._boards.panels()),
            "/happened": self._happened,
            "/docs/runbook.md": _runbook,
            "/page.css": lambda _: Response(pages.STYLE, media_type="text/css"),
            "/page.js": lambda _: Response(pages.SCRIPT, media_type="text/javascript"),
        }
        return Starlette(
            routes=[
                *(Route(path, handler) for path, handler in gets.items()),
                Route("/widget", self._widget, methods=["POST"]),
                Route("/simulator", self._act, methods=["POST"]),
            ],
            # A name of another site that resolves to this machine reads nothing.
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
            ],
        )

    def _home(self, _: Request) -> Response:
        widget = self._boards.call_widget({"widgetContext": {}})
        return _html(pages.home(widget, list(self._console.actions), self._links))

    def _dashboards(self, *, is_live: bool) -> Response:
        boards = self._boards.html()
        return _html(pages.dashboards(self._boards.names(), boards, is_live=is_live))

    def _happened(self, _: Request) -> Response:
        return _html(pages.happened(self._console.events(), self._console.callbacks()))

    async def _widget(self, request: Request) -> Response:
        if (asked := await _asked(request)) is None:
            return _refused()
        return _html(await run_in_threadpool(self._boards.call_widget, asked))

    async def _act(self, request: Request) -> Response:
        if (asked := await _asked(request)) is None:
            return _refused()
        name = str(asked.get("does"))
        return PlainTextResponse(await run_in_threadpool(self._console.do, name))


def _html(text: str) -> Response:
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})


async def _asked(request: Request) -> dict[str, Any] | None:
    """Return the JSON object that was sent, which no form of another site can send."""
    if request.headers.get("content-type") != _JSON:
        return None
    try:
        document = json.loads(await request.body())
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _refused() -> Response:
    return PlainTextResponse("A JSON object is needed.", 400)


def _runbook(_: Request) -> Response:
    """Show the runbook, with the ids of its sections that links name."""
    tokens = (markdown := MarkdownIt("commonmark").enable("table")).parse(
        Path(ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    )
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor(text.content))
    body = markdown.renderer.render(tokens, markdown.options, {})
    return _html(pages.document("Runbook", body))


def anchor(heading: str) -> str:
    """Return the id that GitHub gives a heading."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")
