"""The minimal profile on a deployment: what is stored, and what becomes of what was stored."""

import gzip
from typing import Any

from tests.support.builders import ESTAB, onboard, records
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter

LEFT_OUT = (b"Ethnicity", b"Religion")
QUEUES = ("RegistrationQueue", "ErasureQueue", "PullQueue")


def with_profile(cloud: Cloud, name: str) -> None:
    cloud._parameters["FieldProfile"] = name


def every_version(cloud: Cloud) -> dict[tuple[str, str], bytes]:
    """Return the content of every version of every object of the data bucket, unpacked."""
    s3, bucket = cloud.client("s3"), cloud.ref("DataBucket")
    found = {}
    for each in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        place: dict[str, Any] = {"Key": each["Key"], "VersionId": each["VersionId"]}
        body = s3.get_object(Bucket=bucket, **place)["Body"].read()
        found[tuple(place.values())] = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return found


def latest(cloud: Cloud, dataset: str = "students") -> dict[str, Any]:
    return CompanyApi(cloud).get(f"/v1/schools/{ESTAB}/datasets/{dataset}").document


def connect(cloud: Cloud, xporter: Xporter) -> None:
    secret = xporter.school(
        students=8, scopes=["School", "Student", "StudentExtended", "StudentDemographic"]
    )
    onboard(cloud, secret)
    cloud.settle(*QUEUES)


def test_the_minimal_profile_stores_none_of_its_columns(connected: Cloud, xporter: Xporter) -> None:
    with_profile(connected, "minimal")
    connect(connected, xporter)
    stored = b"".join(every_version(connected).values())
    assert b"Forename" in stored
    assert not [name for name in LEFT_OUT if name in stored]
    columns = latest(connected)["tables"]["Students"]["columns"]
    assert not {name.decode() for name in LEFT_OUT} & set(columns)
    inventory = CompanyApi(connected).get("/v1/inventory").document
    assert inventory["field_profile"] == "minimal"


def test_a_profile_that_becomes_minimal_empties_what_was_stored_in_every_version(
    connected: Cloud, xporter: Xporter
) -> None:
    connect(connected, xporter)
    stored = b"".join(every_version(connected).values())
    assert [name for name in LEFT_OUT if name not in stored] == []
    before = latest(connected)
    with_profile(connected, "minimal")
    connected.invoke("register_webhooks", records({"estab": ESTAB, "look_at_scopes": True}))
    connected.settle("RegistrationQueue", "ErasureQueue")
    assert latest(connected)["erased"]["reason"] == "left_out"
    assert not [name for name in LEFT_OUT if name in b"".join(every_version(connected).values())]
    # The watchdog sends this message within minutes.
    connected.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "students"}))
    after = latest(connected)
    assert after["sequence"] > before["sequence"]
    assert after["requested_changed_rows"] == "*"
    assert after["tables"]["Students"]["rows"] == before["tables"]["Students"]["rows"]
    stored = b"".join(every_version(connected).values())
    assert b"Forename" in stored
    assert not [name for name in LEFT_OUT if name in stored]


def test_a_change_set_is_never_merged_into_rows_with_the_columns(
    connected: Cloud, xporter: Xporter
) -> None:
    connect(connected, xporter)
    with_profile(connected, "minimal")
    change = f"schools/{ESTAB}/databases/XodSchoolData/change"
    xporter.control("POST", change, {"rows": 1, "notify": False})
    # A pull before the school is looked at: it asks for all rows, and is held or has all of them.
    CompanyApi(connected).post(f"/v1/schools/{ESTAB}/pulls", {"dataset": "students"})
    connected.settle("PullQueue")
    snapshots = {
        table["snapshot_key"]: table["rows"] for table in latest(connected)["tables"].values()
    }
    objects = connected.objects("DataBucket")
    for key in snapshots:
        lines = gzip.decompress(objects[key]).splitlines()
        with_column = [b"Ethnicity" in line for line in lines]
        assert len(set(with_column)) <= 1, key
