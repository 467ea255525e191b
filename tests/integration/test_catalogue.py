"""Every endpoint of the catalogue, pulled before and after changes and deletions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.integration.test_odd_rows import followed, kept, shown
from tests.support.builders import ESTAB
from tests.support.pull_world import World, configure, in_memory
from tests.support.xporter import Xporter
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.scopes import ALL
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.xporter.endpoints import Endpoint, endpoints

TODAY = "2026-11-24"
GIVEN = {
    "date": TODAY, "DateFrom": "2026-11-16", "DateTo": TODAY, "UDFName": "Locker Number",
    "DocumentTypeId": "1", "Students": "10000|10024|10048", "id": "10000",
    "Aspects": "702,703,704,705", "Marksheets": "1",
}  # fmt: skip
SERVED = [
    name
    for name, endpoint in endpoints().items()
    if endpoint.tables and endpoint.resource.lower() in RESOURCES
]


def dataset_of(endpoint: Endpoint) -> Dataset:
    """Return a dataset of all that the endpoint has, as far as rows may be counted."""
    needed = (*endpoint.mandatory, *endpoint.at_least_one[:1])
    options = tuple(option for option in endpoint.options if option.startswith("include"))
    parameters = {name: GIVEN[name] for name in needed}
    if endpoint.name == "timetableforstaff":
        parameters["id"] = "1"
    return Dataset("all", replace(endpoint, scope="*"), options, parameters)


def truth(world: World, dataset: Dataset) -> Mapping[str, list[dict[str, Any]]]:
    path, query = dataset.request()
    answer = requests.get(
        f"{world.xporter.url}/api/v1/School/{ESTAB}/{path}",
        params=query,
        headers={"Authorization": f"Idaas {world.token}"},
        timeout=30,
    ).json()
    assert "ExceptionMessage" not in answer, answer
    return {name: rows for name, rows in answer.items() if name != "meta"}


def change_all(world: World, dataset: Dataset) -> None:
    """Change, delete and insert in every table of which the simulator can."""
    for table in dataset.endpoint.tables:
        for how in (
            {"rows": 2, "deletes": 1, "inserts": 1},
            {"rows": 2, "deletes": 1},
            {"rows": 2},
        ):
            place = f"schools/{ESTAB}/databases/{dataset.database}/change"
            url = f"{world.xporter.url}/_sim/{place}"
            body = {"table": table, "notify": False, **how}
            if requests.post(url, json=body, timeout=30).ok:
                break


@pytest.mark.parametrize("name", SERVED)
def test_a_dataset_equals_the_truth_before_and_after_changes_and_deletions(
    xporter: Xporter, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(fetching, "PAGE_SIZE", 20)
    dataset = dataset_of(endpoints()[name])
    # Few conducts are of one day.
    students = 400 if name.endswith("fortoday") else 60
    world = World(in_memory(), xporter, students=students, today=TODAY, scopes=list(ALL))
    configure(world.aws.datasets, dataset)
    assert all(truth(world, dataset).values()), "an empty table proves nothing"
    for _ in range(3):
        world.ask("all")
        world.settle()
        assert (world.item("all").state, world.item("all").reason) == (DatasetState.CURRENT, "")
        expected = truth(world, dataset)
        assert world.latest("all")["tables"].keys() == expected.keys()
        for table, rows in expected.items():
            key = dataset.key_of(table)
            assert all(not key or key in row for row in rows), "as recorded"
            assert kept(world, "all", table) == shown(rows)
        assert followed(world, "all") == {table: shown(rows) for table, rows in expected.items()}
        change_all(world, dataset)
        world.advance(hours=1)
