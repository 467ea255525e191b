"""The dashboards and queries that people edit and the template that is deployed agree."""

import json
import re

import pytest
import yaml

from tests.support import template
from tests.support.template import ROOT
from tests.support.translated_template import deployed
from tools.dashboards.body import SOURCES, begin, widgets, with_body
from tools.dashboards.expansion import Expansion
from tools.dashboards.queries import QUERIES, with_queries

TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in SOURCES}
FLEET = SOURCES[0]
NONE = Expansion({})


@pytest.mark.parametrize("name", SOURCES)
def test_the_template_holds_the_dashboard_as_it_was_edited(name: str) -> None:
    assert with_body(TEMPLATE, name, TEXTS[name]) == TEMPLATE, "run `make dashboard`"


def test_the_template_holds_the_queries_as_they_were_edited() -> None:
    source = (ROOT / QUERIES).read_text(encoding="utf-8")
    assert with_queries(TEMPLATE, source) == TEMPLATE, "run `make dashboard`"


def test_an_edited_title_reaches_the_template() -> None:
    edited = TEXTS[FLEET].replace('title: "Rows and pages pulled"', 'title: "Rows"')
    assert '"title":"Rows",' in with_body(TEMPLATE, FLEET, edited)


def test_a_template_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly once"):
        with_body(TEMPLATE.replace(begin(FLEET), ""), FLEET, TEXTS[FLEET])
    with pytest.raises(ValueError, match="exactly once"):
        with_queries("", "{}")


def test_a_row_whose_widgets_do_not_fit_is_refused() -> None:
    row = {"height": 6, "widgets": [{"type": "text"}] * 5}
    with pytest.raises(ValueError, match="5 widgets"):
        list(widgets({"defaults": {}, "rows": [row]}, NONE))


def test_every_chart_has_a_text_near_it_that_explains_it() -> None:
    """At most two rows of charts stand between a row and the text below or above it."""
    for name, text in TEXTS.items():
        kinds = [row["widgets"][0]["type"] for row in yaml.safe_load(text)["rows"]]
        told = [index for index, kind in enumerate(kinds) if kind == "text"]
        for index, kind in enumerate(kinds):
            assert min(abs(index - other) for other in told) <= 2, (name, index, kind)


# An event of the log is the first argument of these functions of telemetry.
SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("layers/shared", "functions")
    for path in (ROOT / folder).rglob("*.py")
)


def test_every_event_that_a_saved_query_looks_for_is_logged() -> None:
    found = []
    for properties in template.resources("AWS::Logs::QueryDefinition").values():
        for names in re.findall(r"message in (\[.*?\])", properties["QueryString"]):
            found += json.loads(names)
    assert len(found) > 5
    assert not [event for event in found if not re.search(rf'\(\s*"{event}"', SOURCE)]


def test_every_field_that_a_saved_query_names_is_written() -> None:
    access = str(template.load()["Resources"]["CallbacksApi"]["Properties"]["AccessLogSettings"])
    for name, properties in template.resources("AWS::Logs::QueryDefinition").items():
        query = re.sub(r'"[^"]*"|/.*?/|as \w+|@\w+', "", properties["QueryString"])
        lists = re.findall(r"(?m)(?:^fields| by|^filter) ([\w ,=]*)", query)
        fields = {word for each in lists for word in re.findall(r"[a-z]\w+", each)}
        for field in fields - {"in", "like", "bin"}:
            is_written = re.search(rf'\b{field}\b *=|"{field}"', SOURCE) or f'"{field}"' in access
            assert is_written, (name, field)


def test_a_saved_query_is_within_the_limits_of_aws() -> None:
    """At most 50 log groups, 10,000 characters, and a name of 255.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
    """
    queries = template.resources("AWS::Logs::QueryDefinition")
    assert queries
    for properties in queries.values():
        assert 1 <= len(properties["LogGroupNames"]) <= 50
        assert len(properties["QueryString"]) <= 10_000
        assert len(properties["Name"]["Fn::Sub"]) <= 255 - 128 + len("${AWS::StackName}")


# -- links into the runbook

LINK = re.compile(r"\[[^\]]+\]\(([^)]*)\)")


def linked(**parameters: str) -> list[str]:
    """Return where the links lead that a deployment's dashboards have, but for those to others."""
    texts = [
        widget["properties"].get("markdown", "")
        for body in deployed(Stage="prod", **parameters).of("AWS::CloudWatch::Dashboard").values()
        for widget in json.loads(body["DashboardBody"])["widgets"]
    ]
    found = [target for text in texts for target in LINK.findall(text)]
    return [target for target in found if not target.startswith("#dashboards:")]


def test_without_an_address_of_the_runbook_no_link_of_a_dashboard_leads_nowhere() -> None:
    assert linked() == []


def test_with_an_address_of_the_runbook_the_dashboards_link_its_sections() -> None:
    found = linked(RunbookUrl="https://docs.school-shop.app/runbook/")
    assert len(found) > 20
    assert all(each.startswith("https://docs.school-shop.app/runbook/") for each in found)


def test_every_link_into_the_runbook_is_left_out_without_an_address() -> None:
    """The condition is the default itself, so a second place does not have to agree with it."""
    default = template.load()["Parameters"]["RunbookUrl"]["Default"]
    condition = template.load()["Conditions"]["HasRunbookUrl"]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "RunbookUrl"}, default]}]}
    edited = "".join(TEXTS.values()).count("](${RunbookUrl}")
    assert edited > 20
    assert TEMPLATE.count("](${RunbookUrl}") == TEMPLATE.count('!If [HasRunbookUrl, !Sub "[') > 20
