"""The dashboard that people edit and the template that is deployed agree."""

import pytest

from tests.support.template import ROOT
from tools.dashboards.body import BEGIN, SOURCE, widgets, with_body

TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")
DASHBOARD = (ROOT / SOURCE).read_text(encoding="utf-8")


def test_the_template_holds_the_dashboard_as_it_was_edited() -> None:
    assert with_body(TEMPLATE, DASHBOARD) == TEMPLATE, "run `make dashboard`"


def test_an_edited_title_reaches_the_template() -> None:
    edited = DASHBOARD.replace('title: "Dead letters"', 'title: "Dead"')
    assert '"title":"Dead",' in with_body(TEMPLATE, edited)


def test_a_template_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly once"):
        with_body(TEMPLATE.replace(BEGIN, ""), DASHBOARD)


def test_a_row_whose_widgets_do_not_fit_is_refused() -> None:
    row = {"height": 6, "widgets": [{"type": "text"}] * 5}
    with pytest.raises(ValueError, match="5 widgets"):
        list(widgets({"defaults": {}, "rows": [row]}))
