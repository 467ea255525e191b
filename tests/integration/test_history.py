"""What happened at a school is remembered: by consumers, without further writes, and erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import (
    ESTAB,
    NOW,
    OTHER_ESTAB,
    dataset_table,
    records,
    school_table,
    stored_school,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.schools.model import paused
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso, parse


def told(cloud: Cloud, path: str) -> Any:
    answer = CompanyApi(cloud).get(f"/v1/schools/{ESTAB}/{path}")
    assert answer.status == 200, answer.text
    return answer.document


def pull(cloud: Cloud) -> None:
    reply = cloud.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "students"}))
    assert reply == {"batchItemFailures": []}


@pytest.fixture
def school(connected: Cloud, xporter: Xporter) -> Cloud:
    secret = xporter.school(students=12)
    stored_school(connected, secret=secret, state=SchoolState.INSTALLED, scopes=("Student",))
    return connected


def test_a_callback_and_what_was_pulled_for_it_are_remembered(school: Cloud) -> None:
    message = {"estab": ESTAB, "database": "XodSchoolData", "received_at": iso(NOW)}
    assert school.invoke("plan_pulls", records(message)) == {"batchItemFailures": []}
    pull(school)
    found = told(school, "history")
    (heard,) = found["callbacks"]
    assert heard["database"] == "XodSchoolData"
    assert "students" in heard["datasets"]
    attempts = {each["dataset"]: each for each in found["attempts"]}
    assert attempts["students"]["says"] == "New data was published."
    assert attempts["students"]["announced_at"] == heard["received_at"]
    assert attempts["students"]["sequence"] == 1
    assert [each["state"] for each in found["states"]] == ["live"]
    assert found["states"][0]["says"] == "its first data was published"
    assert told(school, "callbacks")["callbacks"] == found["callbacks"]


def test_failures_are_counted_in_one_entry_with_a_sentence_and_no_further_write(
    school: Cloud, xporter: Xporter
) -> None:
    table = dataset_table(school)
    table.add_demand(ESTAB, "students", NOW)
    pull(school)
    xporter.set_faults({"kind": "server_error"})
    for _ in range(3):
        table.add_demand(ESTAB, "students", NOW)
        release_back_off(school)
        pull(school)
    failed, committed = told(school, "datasets/students/attempts")["attempts"]
    assert (committed["outcome"], failed["outcome"], failed["count"]) == ("committed", "failed", 3)
    assert failed["says"] == "The pull failed: Xporter is down or too slow."
    assert failed["announced_at"] is None
    assert parse(failed["first_at"]) <= parse(failed["ended_at"])


def test_changes_of_state_are_told_in_words(school: Cloud) -> None:
    schools = school_table(school)
    cause = f"estab_changed: {ESTAB} is {OTHER_ESTAB} now"
    schools.change(ESTAB, lambda it: paused(it, NOW, cause))
    schools.change(ESTAB, lambda it: paused(it, NOW + timedelta(days=1)))
    (latest,) = told(school, "history")["states"]
    assert latest["says"] == f"its secret opens another school: {ESTAB} is {OTHER_ESTAB} now"
    assert latest["state"] == "paused"


@pytest.mark.parametrize("path", ["history", "callbacks", "datasets/students/attempts"])
def test_of_an_unknown_school_nothing_is_remembered(cloud: Cloud, path: str) -> None:
    assert CompanyApi(cloud).get(f"/v1/schools/{ESTAB}/{path}").status == 404


def test_a_dataset_that_was_never_pulled_has_no_attempts_and_an_unknown_one_is_not_there(
    cloud: Cloud,
) -> None:
    stored_school(cloud)
    assert told(cloud, "datasets/students/attempts")["attempts"] == []
    assert CompanyApi(cloud).get(f"/v1/schools/{ESTAB}/datasets/x/attempts").status == 404


def test_an_erased_school_has_no_history_in_any_store(school: Cloud) -> None:
    dataset_table(school).add_demand(ESTAB, "students", NOW)
    pull(school)
    assert told(school, "history")["attempts"]
    CompanyApi(school).delete(f"/v1/schools/{ESTAB}")
    school.deliver("ErasureQueue")
    assert told(school, "history") == {
        "estab": ESTAB, "callbacks": [], "states": [], "attempts": []
    }  # fmt: skip
    dynamodb = school.client("dynamodb")
    for table in ("SchoolsTable", "DatasetsTable", "OperationsTable"):
        items = dynamodb.scan(TableName=school.ref(table))["Items"]
        stored = str([item for item in items if ESTAB in str(item)])
        assert "history" not in stored
        assert "attempts" not in stored
        assert "data_trouble" not in stored


def release_back_off(cloud: Cloud) -> None:
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("DatasetsTable"),
        Key={"estab": {"S": ESTAB}, "dataset": {"S": "students"}},
        UpdateExpression="REMOVE retry_at",
    )
