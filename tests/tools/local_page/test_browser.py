"""The widget and the dashboards in a real browser: nothing overflows, and all can be read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.render_widget import handler
from functions.render_widget.request import WidgetRequest
from tests.support.builders import NOW
from tests.support.many_schools import ManySchools
from tests.tools.local_page.boards import NAMES, board
from tools.local_page import pages
from tools.local_page.alarms import OFF, AlarmState
from tools.local_page.chromium import HOW_TO_GET_IT, Page, browser, chromium
from tools.local_page.metrics import Metrics, Window
from tools.local_page.picture import draw as draw_picture
from tools.local_page.widgets import Run, draw
from tools.stack.metric_lines import Metric, Sample
from xporter_bridge.api.fleet_overview import FleetReader
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository, stored_form
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.trouble import Trouble

PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason=HOW_TO_GET_IT)

FLEET = 25_000
TROUBLED = {24_999: 50, 12_345: 80, 7: 20}
# Every element that has text of its own: how it contrasts with what lies behind it (WCAG 2.2,
# 1.4.3), and whether its text is cut. Colours of the page are opaque.
LOOK = """(() => {
  const channel = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
    return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b); };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!c.startsWith('rgba(0, 0, 0, 0')) return c; } return 'rgb(255, 255, 255)'; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const box = e.getBoundingClientRect();
    if (!own || !box.width || e.closest('svg, cwdb-action, option')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push('contrast ' + ratio.toFixed(1) + ': ' + e.textContent.slice(0, 60));
    if (box.right > innerWidth + 1) found.push('outside: ' + e.textContent.slice(0, 60));
  }
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) found.push('the page is ' + root.scrollWidth + ' wide');
  for (const e of document.querySelectorAll('.called'))
    if (e.scrollWidth > e.clientWidth + 1) found.push('the widget is ' + e.scrollWidth + ' wide');
  return found;
})()"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert PROGRAM
    with browser(PROGRAM) as opened:
        yield opened


@pytest.fixture(scope="module")
def fleet() -> str:
    """The first page of the widget for 25,000 schools, with long names and three in trouble."""
    schools = [
        School(
            f"{3_000_000 + n}",
            SchoolState.LIVE,
            name=f"St Bartholomew-the-Great's Voluntary Aided Church of England School {n}",
            scopes=("Student",),
        )
        for n in range(FLEET)
    ]
    for number, rank in TROUBLED.items():
        schools[number] = replace(schools[number], data_trouble=Trouble(rank, NOW))
    indexes = {"by_state": ("state", "due_at"), "by_trouble": ("trouble_shard", "trouble")}
    table = ManySchools(map(stored_form, schools), indexes)
    reader = FleetReader(
        SchoolRepository(table, "schools"),
        DatasetRepository(table, "datasets", configured()),
        configured(),
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(handler, "reader", lambda: reader)
        return handler.show(WidgetRequest(), "arn", NOW)


def saved(directory: Path, body: str) -> str:
    file = directory / "page.html"
    file.write_text(pages.document("test", body, is_live=False), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("width", [480, 800, 1400])
@pytest.mark.parametrize("is_dark", [False, True])
def test_the_first_page_of_25000_schools_shows_the_three_in_trouble_and_overflows_nowhere(
    page: Page, fleet: str, tmp_path: Path, width: int, is_dark: bool
) -> None:
    page.show(saved(tmp_path, f'<div class="called">{fleet}</div>'), width, is_dark=is_dark)
    first = "[...document.querySelectorAll('tbody button')].slice(0, 3).map(e => e.textContent)"
    assert page.evaluate(first) == ["3012345", "3024999", "3000007"]
    assert page.evaluate("document.body.innerText.includes('25000 schools, 3 in trouble')")
    assert page.evaluate(LOOK) == []
    assert page.evaluate(BACKGROUND) == ("rgb(15, 27, 42)" if is_dark else "rgb(242, 243, 243)")


def test_what_would_be_cut_or_unreadable_is_noticed(page: Page, tmp_path: Path) -> None:
    wide = '<p style="width:900px;color:#999;background:#fff">pale and wide</p>'
    page.show(saved(tmp_path, wide), 480)
    found = page.evaluate(LOOK)
    assert [each.partition(" ")[0] for each in found] == ["contrast", "outside:", "the"]


def everything(metric_values: float) -> Run:
    """A run in which everything that a dashboard names has been measured."""
    found = []
    for name in NAMES:
        for widget in board(name):
            for line in widget["properties"].get("metrics", ()):
                if not isinstance(line[0], dict):
                    words: list[Any] = [each for each in line if not isinstance(each, dict)]
                    pairs = tuple(sorted(zip(words[2::2], words[3::2], strict=True)))
                    metric = Metric(words[0], words[1], pairs)
                    found += [Sample(metric, at, (metric_values,)) for at in (10, 20, 25)]
    return Run(Metrics(found), Window(0, 60), str, lambda arn: AlarmState(arn, OFF, "about"))


@pytest.mark.parametrize("width", [480, 1200])
@pytest.mark.parametrize("is_dark", [False, True])
def test_the_dashboards_overflow_nowhere(
    page: Page, tmp_path: Path, width: int, is_dark: bool
) -> None:
    run = everything(1_234_567.8)
    drawn = "".join(
        f'<div class="board">{"".join(draw("w", each, run) for each in board(name))}</div>'
        for name in NAMES
    )
    page.show(saved(tmp_path, drawn), width, is_dark=is_dark)
    assert page.evaluate("document.querySelectorAll('svg').length") > 20
    assert page.evaluate(LOOK) == []


def test_a_page_becomes_a_picture(tmp_path: Path) -> None:
    assert PROGRAM
    saved(tmp_path, "<p>Hello</p>")
    picture = draw_picture(PROGRAM, tmp_path / "page.html", width=300, most_height=200)
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 300
