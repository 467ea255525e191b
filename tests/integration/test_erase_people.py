"""One person is erased: from every store, from every pull to come, and until somebody lifts it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_erase_data import certificates, operations, store
from tests.support import template
from tests.support.builders import (
    ESTAB,
    dataset_table,
    onboard,
    records,
    school_table,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import ErasePeople
from xporter_bridge.events.bus import EventBus
from xporter_bridge.schools.states import SchoolState

PEOPLE = f"/v1/schools/{ESTAB}/erased-people"
DATASETS = ("students", "groups", "studentcontacts", "contacts", "staff", "attendancesummary")


def deps(cloud: Cloud, now: datetime) -> EraseDependencies:
    return EraseDependencies(
        schools=school_table(cloud),
        datasets=dataset_table(cloud),
        operations=operations(cloud),
        certificates=certificates(cloud),
        vault=vault(cloud),
        store=store(cloud),
        erasures=Queue(cloud.client("sqs"), cloud.ref("ErasureQueue")),
        bus=EventBus(cloud.client("events"), cloud.ref("EventBus")),
        now=lambda: now,
    )


@pytest.fixture
def school(connected: Cloud, xporter: Xporter) -> Cloud:
    """A school that is live, with everything pulled."""
    secret = xporter.school(students=12)
    onboard(connected, secret)
    connected.settle()
    assert school_table(connected).get(ESTAB).state is SchoolState.LIVE  # type: ignore[union-attr]
    return connected


def bodies(cloud: Cloud, bucket: str) -> Iterator[tuple[str, bytes]]:
    """Yield every version of every object of a bucket, uncompressed."""
    s3, name = cloud.client("s3"), cloud.ref(bucket)
    for each in s3.list_object_versions(Bucket=name).get("Versions", []):
        body = s3.get_object(Bucket=name, Key=each["Key"], VersionId=each["VersionId"])["Body"]
        data = body.read()
        yield each["Key"], gzip.decompress(data) if each["Key"].endswith(".gz") else data


def every_store(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Yield everything that is kept anywhere, as text."""
    for bucket in ("DataBucket", "StagingBucket"):
        for key, body in bodies(cloud, bucket):
            yield f"{bucket}/{key}", key + body.decode("utf-8", "replace")
    for table in ("SchoolsTable", "DatasetsTable", "OperationsTable"):
        for item in cloud.items(table):
            yield table, str(item)
    resources = template.load()["Resources"]
    for queue in [name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"]:
        for message in cloud.take(queue):
            yield queue, str(message)
    for event in cloud.events():
        yield "EventBus", str(event)


def canaries(row: dict[str, Any]) -> list[str]:
    """Return what would give a person away: the Id as a value, and what nobody else has."""
    own = [row[name] for name in ("ExternalId", "UPN", "IdaasId", "XID") if row.get(name)]
    identity = re.escape(str(row["Id"]))
    return [*map(re.escape, own), rf'"{identity}"', rf"[,\"]{identity}[,\"]", rf"\.PL-{identity}\b"]


def found(cloud: Cloud, row: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (place, canary)
        for place, text in every_store(cloud)
        for canary in canaries(row)
        if re.search(canary, text)
    }


def pupil(xporter: Xporter) -> dict[str, Any]:
    """Return a pupil with a sibling or a contact, so that other rows name the pupil too."""
    return xporter.truth("Students")[3]


def erase_person(cloud: Cloud, row: dict[str, Any], kind: str = "pupil") -> str:
    answer = CompanyApi(cloud).post(PEOPLE, {"kind": kind, "id": str(row["Id"])})
    assert answer.status == 202, answer.text
    return str(answer.document["id"])


def settle(cloud: Cloud) -> None:
    cloud.settle("ErasureQueue")


def pulled(cloud: Cloud, *names: str) -> None:
    """Have datasets pulled, as after a callback."""
    table = dataset_table(cloud)
    for name in names or DATASETS:
        table.add_demand(ESTAB, name, datetime.now(UTC))
        cloud.invoke("pull_dataset", records({"estab": ESTAB, "dataset": name}))
    cloud.settle()


def test_nothing_of_an_erased_pupil_is_found_in_any_store(school: Cloud, xporter: Xporter) -> None:
    row = pupil(xporter)
    assert len(found(school, row)) > 5
    xporter.control(
        "POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 5, "notify": False}
    )
    pulled(school)  # so that sequences are superseded
    erase_person(school, row)
    settle(school)
    assert found(school, row) == set()
