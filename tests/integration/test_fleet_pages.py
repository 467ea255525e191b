"""A fleet that can be asked: by trouble, by state and by a text, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode

import pytest
from botocore.exceptions import ClientError

from tests.support.builders import NOW, dataset_table, school_table, stored_school
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.records import record, with_facts
from xporter_bridge.api import fleet_pages
from xporter_bridge.aws.clients import client
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.note_trouble import note_trouble, note_waiting
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.trouble import Trouble


@pytest.fixture
def api(cloud: Cloud) -> CompanyApi:
    return CompanyApi(cloud)


def pages(api: CompanyApi, **query: Any) -> Iterator[list[str]]:
    """Yield the numbers on each page, to the last one."""
    while True:
        answer = api.get(f"/v1/schools?{urlencode(query, quote_via=quote)}")
        assert answer.status == 200, answer.text
        yield [each["estab"] for each in answer.document["schools"]]
        if not answer.document["cursor"]:
            return
        query["cursor"] = answer.document["cursor"]


def listed(api: CompanyApi, **query: Any) -> list[str]:
    return [estab for page in pages(api, **query) for estab in page]


def a_fleet(cloud: Cloud) -> None:
    """Store twelve schools, of which five are in trouble of different ranks and ages."""
    for number in range(7):
        stored_school(cloud, f"328100{number}", name=f"Primary {number}")
    stored_school(cloud, "3289001", name="St Mary's", data_trouble=Trouble(50, NOW))
    stored_school(
        cloud, "3289002", name="St John's", data_trouble=Trouble(50, NOW - timedelta(days=3))
    )
    stored_school(cloud, "3289003", name="Oak", state=SchoolState.REVOKED, state_since=NOW)
    stored_school(cloud, "3289004", name="Elm", data_trouble=Trouble(20))
    stored_school(cloud, "3289005", name="Ash", state=SchoolState.PAUSED)
    stored_school(
        cloud, "3289006", name="Yew", state=SchoolState.PAUSED, data_trouble=Trouble(40, NOW)
    )


@contextmanager
def without_index() -> Iterator[None]:
    """Have DynamoDB answer as it does while an index is being made; moto answers otherwise."""
    dynamodb = client("dynamodb")
    query = dynamodb.query

    def answer(**arguments: Any) -> Any:
        if arguments.get("IndexName") == "by_trouble":
            error = {"Error": {"Code": "ValidationException", "Message": "backfilling"}}
            raise ClientError(error, "Query")
        return query(**arguments)

    with mock.patch.object(dynamodb, "query", answer):
        yield


WORST_FIRST = ["3289003", "3289006", "3289002", "3289001", "3289004"]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_troubled_schools_come_the_worst_first_then_the_longest_on_any_pages(
    cloud: Cloud, api: CompanyApi, limit: int
) -> None:
    a_fleet(cloud)
    found = list(pages(api, troubled="true", limit=limit))
    assert [estab for page in found for estab in page] == WORST_FIRST
    assert all(len(page) <= limit for page in found)


def test_filters_are_by_state_by_text_by_number_and_together(cloud: Cloud, api: CompanyApi) -> None:
    a_fleet(cloud)
    assert sorted(listed(api, state="paused", limit=1)) == ["3289005", "3289006"]
    assert listed(api, state="paused", troubled="true") == ["3289006"]
    assert listed(api, state="paused", troubled="false") == ["3289005"]
    assert sorted(listed(api, q="ST ", limit=1)) == ["3289001", "3289002"]
    assert listed(api, q="3289004") == ["3289004"]
    assert listed(api, q="3289004", state="revoked") == []
    assert listed(api, q="32810", troubled="true") == []
    assert len(listed(api, q="32810", limit=3)) == 7
    assert len(listed(api, limit=5)) == 13
    assert len(listed(api, state="live", limit=4)) == 10


def test_a_call_reads_a_bounded_number_of_schools_and_says_that_more_follow(
    cloud: Cloud, api: CompanyApi
) -> None:
    a_fleet(cloud)
    with mock.patch.multiple(fleet_pages, _MOST_READ=4, _READ_AT_ONCE=2):
        found = list(pages(api, q="Oak"))
    assert len(found) > 2
    assert [estab for page in found for estab in page] == ["3289003"]


def test_only_the_named_fields_are_answered_and_datasets_are_not_read_in_vain(
    cloud: Cloud, api: CompanyApi
) -> None:
    a_fleet(cloud)
    answer = api.get("/v1/schools?troubled=true&limit=1&fields=attention,name").document
    (school,) = answer["schools"]
    assert set(school) == {"estab", "attention", "name"}
    assert school["attention"]["severity"] == "trouble"
    read = "xporter_bridge.pulls.repository.DatasetRepository.of_school"
    with mock.patch(read, side_effect=AssertionError("read in vain")):
        answer = api.get("/v1/schools?state=revoked&fields=state").document
    assert answer["schools"] == [{"estab": "3289003", "state": "revoked"}]


@pytest.mark.parametrize(
    "query",
    ["state=asleep", "troubled=perhaps", "q=", "fields=secret", "fields=", "sort=name"],
)
def test_what_cannot_be_asked_is_refused(api: CompanyApi, query: str) -> None:
    answer = api.get(f"/v1/schools?{query}")
    assert answer.status == 400
    assert "secret" not in answer.text


def test_a_cursor_is_good_for_the_filters_that_it_came_with(cloud: Cloud, api: CompanyApi) -> None:
    a_fleet(cloud)
    for first, other in (
        ("troubled=true", "state=live"),
        ("state=live", "state=paused"),
        ("fields=estab", "troubled=true"),
    ):
        cursor = api.get(f"/v1/schools?limit=1&{first}").document["cursor"]
        assert api.get(f"/v1/schools?{other}&cursor={cursor}").status == 400


def test_while_the_index_is_being_made_only_the_troubled_cannot_be_listed(
    cloud: Cloud, api: CompanyApi
) -> None:
    """A table in use gets the index by a deployment, which does not wait for it."""
    a_fleet(cloud)
    with without_index():
        assert api.get("/v1/schools?troubled=true").status == 503
        assert api.get("/v1/schools?state=live").status == 200


def test_trouble_is_noted_when_it_comes_and_when_it_goes_and_costs_no_write_between(
    cloud: Cloud,
) -> None:
    schools, config = school_table(cloud), configured()
    school = stored_school(cloud, "3281102")
    held = record("3281102", "students", state=DatasetState.HELD, hold={}, checked_at=NOW)
    note_trouble(school, [held], schools, config, NOW)
    school = schools.get("3281102") or school
    assert [estab for _, estab in schools.troubled(9)] == ["3281102"]
    note_trouble(school, [held], schools, config, NOW)
    assert (schools.get("3281102") or school).version == school.version
    note_trouble(school, [with_facts(held, state=DatasetState.CURRENT, hold=None)], schools,
                 config, NOW)  # fmt: skip
    assert list(schools.troubled(9)) == []
    assert schools.count_troubled() == 0


def test_data_that_no_pull_touches_any_more_is_noted_by_the_watchdog(cloud: Cloud) -> None:
    schools, datasets = school_table(cloud), dataset_table(cloud)
    stored_school(cloud, "3281102", state_since=NOW)
    waiting = datasets.add_demand("3281102", "students", NOW)
    note_waiting(waiting, schools, configured(), NOW + timedelta(hours=1))
    assert schools.count_troubled() == 0
    note_waiting(waiting, schools, configured(), NOW + timedelta(days=2))
    assert schools.count_troubled() == 1
