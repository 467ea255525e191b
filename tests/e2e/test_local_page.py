"""The page of a local stack: the template's dashboards from a real run, and the schools."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import SCHOOLS
from tools.demo.wait import until
from tools.local_page.chromium import HOW_TO_GET_IT, browser, chromium
from tools.local_page.picture import leave_dashboards
from tools.local_page.serve import local_page, read_page
from tools.stack.local_stack import LocalStack
from tools.stack.processes import listen

pytestmark = pytest.mark.xdist_group("stack")

# What three onboarded schools cause, whatever else has happened on the stack.
MEASURED = {
    "Schools, by state", "Waiting to be pulled, and minutes late", "Rows and pages pulled",
    "Callbacks accepted, by kind", "Events published, by type", "Acknowledgement, milliseconds",
    "Answers of both APIs: all, 4xx, 5xx", "Queues: waiting", "Dead letters",
    "Queues: age of the oldest message, seconds", "Errors of functions", "Concurrent executions",
    "Duration of functions, milliseconds, slowest", "Lambda: invocations a day",
    "Logs: bytes taken in a day", "API Gateway: requests a day",
}  # fmt: skip


@pytest.fixture(scope="module")
def page(journey: Journey, stack: LocalStack) -> Iterator[str]:
    """Another page than the one of `make up`, whose address only a person is told."""
    assert journey
    with listen(0) as listening, local_page(stack, listening) as url:
        read_page(url)
        yield url


def widgets(html: str) -> dict[str, str]:
    """Return what each widget with a title shows."""
    sections = re.findall(r"<section [^>]*><h3>(.*?)</h3>(.*?)</section>", html, re.DOTALL)
    return dict(sections)


def test_every_widget_of_every_dashboard_shows_data_or_a_reason(
    page: str, journey: Journey
) -> None:
    journey.stack.trigger("schedule_registrations")

    def look() -> dict[str, str]:
        found = widgets(read_page(f"{page}/dashboards"))
        missing = [title for title in sorted(MEASURED) if 'class="nothing"' in found[title]]
        if missing:
            raise NotYetError(f"nothing is drawn of {missing}")
        return found

    found = until(look)
    assert len(found) > 35
    # Functions that an API and a queue have called. The legend names the busiest ones, which
    # depend on the tests that were here before.
    called = found["Lambda: milliseconds a day"]
    assert "PullDataset" in called
    assert any(function in called for function in ("ServeApi", "ReceiveDatabase"))
    for title, shown in found.items():
        assert re.search(r'<svg|class="(numbers|bars|nothing|alarms|called)"', shown), title
    assert all(school.estab in found["Schools: state and freshness"] for school in SCHOOLS)


def test_a_button_of_the_widget_leads_to_the_page_of_a_school(page: str) -> None:
    asked = {"estab": SCHOOLS[0].estab, "widgetContext": {"params": {}, "forms": {"all": {}}}}
    answer = httpx.post(f"{page}/widget", json=asked, timeout=60)
    assert answer.is_success
    assert f"xporter-bridge explain {SCHOOLS[0].estab}" in answer.text


@pytest.mark.skipif(chromium() is None, reason=HOW_TO_GET_IT)
def test_in_a_browser_buttons_work_and_what_is_shown_becomes_new(page: str) -> None:
    program, estab = chromium(), SCHOOLS[0].estab
    assert program
    with browser(program) as tab:
        tab.show(f"{page}/", 1000)

        def shown(text: str) -> None:
            if text not in tab.evaluate("document.body.innerText"):
                raise NotYetError(f"the page does not show {text!r}")

        until(lambda: shown("school.live"))
        tab.evaluate(
            f"[...document.querySelectorAll('.called button')]"
            f".find(each => each.textContent === '{estab}').click()"
        )
        until(lambda: shown(f"xporter-bridge explain {estab}"))
        tab.evaluate("document.querySelector('[data-does=\"No fault\"]').click()")
        until(lambda: shown("Xporter works."))
        tab.show(f"{page}/dashboards", 1000)
        empty = (
            "document.querySelectorAll('section.metric').forEach(each => each.replaceChildren())"
        )
        tab.evaluate(empty)
        until(lambda: shown("Callbacks accepted, by kind"))


def test_what_happens_is_seen_on_the_page(page: str, journey: Journey) -> None:
    done = httpx.post(f"{page}/simulator", json={"does": "Three pupils change"}, timeout=60)
    assert done.text.startswith("So it is at school")

    def look() -> None:
        happened = read_page(f"{page}/happened")
        if "dataset.changed" not in happened or "database" not in happened:
            raise NotYetError("neither the callback nor the event is on the page")

    until(look)


def test_the_dashboards_are_left_as_a_page_and_a_picture(page: str, tmp_path: Path) -> None:
    said = leave_dashboards(page, tmp_path)
    html = (tmp_path / "dashboard.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert len(widgets(html)) > 35
    if chromium():
        assert (tmp_path / "dashboard.png").read_bytes().startswith(b"\x89PNG")
    else:
        assert HOW_TO_GET_IT in said
