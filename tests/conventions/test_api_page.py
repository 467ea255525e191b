"""Every request of docs/api.md is made, and answered as the page says."""

import json
import re
from typing import Any

from tests.integration.test_serve_api import held, manifest, store
from tests.support.builders import ESTAB
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import Cloud
from tests.support.template import ROOT
from xporter_bridge.events.model import TYPES

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```http\n(.*?)\n```", re.DOTALL)
HEADER = re.compile(r"([A-Za-z-]+): (.+)")
# Times, and what a school happens to have, are not the page's.
OPEN = {
    "schools", "scopes", "registrations", "freshness", "datasets", "attempts", "callbacks",
    "states", "people", "entries", "changes", "cursor",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Example:
    """One request of the page, and the answer that it shows."""

    def __init__(self, block: str) -> None:
        asked, _, answered = block.partition("\n\n")
        call, *lines = asked.splitlines()
        self.method, self.path = call.split(" ")
        headers = [found for line in lines if (found := HEADER.fullmatch(line))]
        self.headers = {found[1].lower(): found[2] for found in headers}
        self.body = "\n".join(lines[len(headers) :]) or None
        self.status = int(answered[:3])
        self.answer: dict[str, Any] = json.loads(answered[3:])


EXAMPLES = [Example(block) for block in BLOCK.findall(PAGE)]


def test_every_example_is_answered_as_the_page_says(cloud: Cloud) -> None:
    held(cloud)
    store(cloud).put_document(f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest())
    api, ids = CompanyApi(cloud), dict[str, str]()
    for example in EXAMPLES:
        path = example.path
        for shown, real in ids.items():
            path = path.replace(shown, real)
        answer = api.send(request(example.method, path, example.body, example.headers))
        assert answer.status == example.status, (path, answer.text)
        if "id" in example.answer:
            ids[example.answer["id"]] = answer.document["id"]
        hold_example(example.answer, answer.document, path)


def hold_example(shown: dict[str, Any], real: dict[str, Any], path: str) -> None:
    assert set(shown) - {"id"} <= set(real), path
    for name in set(shown) - OPEN - {"id"}:
        without_times = (TIME.sub("T", json.dumps(each[name])) for each in (shown, real))
        assert len(set(without_times)) == 1, (path, name, real[name])


def test_every_type_of_event_is_on_the_page() -> None:
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE)) >= set(TYPES)


def test_the_page_has_an_example_of_every_call(cloud: Cloud) -> None:
    document = CompanyApi(cloud).get("/v1/openapi.json").document
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        shown = {
            example.method.lower()
            for example in EXAMPLES
            if re.fullmatch(pattern, example.path.partition("?")[0])
        }
        assert shown == set(operations) or template == "/v1/openapi.json", template
