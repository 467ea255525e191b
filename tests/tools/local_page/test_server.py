"""The paths of the page, over a stack and a simulator that are made up."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tools.local_page.server import Server, anchor


class Boards:
    """Dashboards that say what was called."""

    def html(self) -> str:
        return '<div class="board"><section id="b-0">drawn</section></div>'

    def panels(self) -> dict[str, str]:
        return {"b-0": "drawn anew"}

    def names(self) -> list[str]:
        return ["b"]

    def call_widget(self, event: dict[str, Any]) -> str:
        return f"<p>{json.dumps(event)}</p>"


class Console:
    """Buttons that say that they were pressed."""

    actions = ("No fault", "<b>")

    def events(self) -> list[str]:
        detail = {"type": "school.live", "timestamp": "now", "data": {"estab": "<3281102>"}}
        return [json.dumps({"detail": detail})]

    def callbacks(self) -> list[dict[str, Any]]:
        return [{"at": "now", "kind": "database", "estab": "3281102", "url": "http://a-signature"}]

    def do(self, name: str) -> str:
        return f"done: {name}"


class Client:
    """Calls the application without a socket."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                return await http.request(method, path, **request)

        return asyncio.run(once())

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.call("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.call("POST", path, **request)


@pytest.fixture
def client() -> Client:
    server = Server(Boards(), Console(), {"dashboards": "/dashboards"})  # type: ignore[arg-type]
    return Client(server.app())


def test_the_first_page_has_the_widget_the_buttons_and_no_script_of_its_own(
    client: Client,
) -> None:
    answer = client.get("/")
    assert "widgetContext" in answer.text
    assert 'data-does="No fault"' in answer.text
    assert "&lt;b&gt;" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("<script") == 1


def test_what_happened_is_escaped_and_shows_no_url_of_a_callback(client: Client) -> None:
    text = client.get("/happened").text
    assert "school.live" in text
    assert "&lt;3281102&gt;" in text
    assert "a-signature" not in text


def test_the_dashboards_are_live_or_complete_in_themselves(client: Client) -> None:
    assert 'src="/page.js"' in client.get("/dashboards").text
    alone = client.get("/dashboard.html").text
    assert "drawn" in alone
    assert "<script" not in alone
    assert 'href="/' not in alone
    assert client.get("/dashboards/panels").json() == {"b-0": "drawn anew"}


def test_a_button_of_the_widget_calls_its_function(client: Client) -> None:
    answer = client.post("/widget", json={"estab": "3281102"})
    assert answer.text == '<p>{"estab": "3281102"}</p>'
    assert client.post("/simulator", json={"does": "No fault"}).text == "done: No fault"


@pytest.mark.parametrize("path", ["/widget", "/simulator"])
def test_a_form_of_another_site_does_nothing(client: Client, path: str) -> None:
    assert client.post(path, data={"does": "No fault"}).status_code == 400
    headers = {"content-type": "application/json"}
    for body in ("[]", "no json"):
        assert client.post(path, content=body, headers=headers).status_code == 400


def test_another_name_of_this_machine_reads_nothing(client: Client) -> None:
    assert client.get("/", headers={"host": "rebound.example"}).status_code == 400


def test_the_runbook_has_the_sections_that_links_name(client: Client) -> None:
    text = client.get("/docs/runbook.md").text
    assert 'id="alarm-pull-held"' in text
    assert 'id="what-wakes-somebody"' in text
    assert anchor("Alarm: pull held") == "alarm-pull-held"
