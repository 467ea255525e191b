"""What a deployment holds, and what was recorded, as tests look at it."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import parse_qs

from tests.recorded.actors import ESTAB, SCHOOL
from tests.recorded.support import Deployment, recorded
from tests.support.xporter import Xporter

MESSAGES: list[dict[str, Any]] = recorded("messages.json")


def messages(queue: str, *names: str, **facts: Any) -> list[dict[str, Any]]:
    """Return the recorded messages of a queue that have these fields and no others."""
    found = [
        each["body"]
        for each in MESSAGES
        if each["queue"] == queue
        and (not names or set(each["body"]) == set(names))
        and facts.items() <= each["body"].items()
    ]
    assert found, f"{queue} never held such a message"
    return found


def dataset(it: Deployment, name: str = "students") -> dict[str, Any]:
    """Return the item of a dataset, its values without their types."""
    [item] = [each for each in it.items("DatasetsTable") if each["dataset"]["S"] == name]
    return {attribute: next(iter(value.values())) for attribute, value in item.items()}


def school(it: Deployment) -> dict[str, Any]:
    return dict(json.loads(it.get(SCHOOL)["body"]))


def operation(it: Deployment, kind: str, id_: str) -> dict[str, Any]:
    return dict(json.loads(it.get(f"{SCHOOL}/{kind}/{id_}")["body"]))


def manifest(it: Deployment, name: str = "students") -> dict[str, Any]:
    """Return what readers begin with."""
    key = f"manifests/estab={ESTAB}/dataset={name}/latest.json"
    return dict(json.loads(it.cloud.objects("DataBucket")[key]))


def rows(it: Deployment, table: str = "Students", kind: str = "snapshot") -> list[dict[str, Any]]:
    key = manifest(it)["tables"][table][f"{kind}_key"]
    lines = gzip.decompress(it.cloud.objects("DataBucket")[key]).splitlines()
    return [json.loads(line) for line in lines]


def pages_asked(xporter: Xporter) -> list[str]:
    queries = [each["query"] for each in xporter.requests() if "/students" in each["path"].lower()]
    return [parse_qs(query)["page"][0] for query in queries]


def recorded_item(name: str, of: str = "students") -> dict[str, Any]:
    items = recorded(f"worlds/{name}/world.json")["items"]["DatasetsTable"]
    [item] = [each for each in items if each["dataset"]["S"] == of]
    return dict(item)
