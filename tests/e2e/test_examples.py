"""The three examples on the stack that all end-to-end tests share, as their users run them."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from examples.eventbridge_consumer import handler
from examples.postgresql_sync.sync import DATASETS, sync
from examples.register.register import main
from tests.examples.test_postgresql_sync import Duck
from tools.demo.context import Journey
from tools.demo.schools import CAUTIOUS, SECONDARY
from tools.demo.steps.request_data import school_day
from tools.demo.wait import until
from tools.stack.emulator import KEY
from xporter_bridge_client import Api, Bridge

pytestmark = pytest.mark.xdist_group("stack")
COPIES = "copies-of-the-example"


@pytest.fixture
def bridge(journey: Journey) -> Bridge:
    return Bridge(journey.stack.bucket, journey.stack.aws("s3"))


def test_the_sync_ends_at_what_the_school_has(journey: Journey, bridge: Bridge) -> None:
    """With the smallest school: DuckDB, which stands in for PostgreSQL, is slow row by row."""
    estab, datasets = CAUTIOUS.estab, sorted(CAUTIOUS.datasets & set(DATASETS))
    assert "students" in datasets
    with contextlib.closing(Duck()) as connection:
        for dataset in datasets:
            assert sync(bridge, connection, estab, dataset) == 1
            assert sync(bridge, connection, estab, dataset) == 0
            assert bridge.verify(estab, dataset).is_ok
        counted = connection.execute(
            "SELECT count(*) FROM xporter_rows WHERE table_name = 'Students'"
        ).fetchall()
    truth = journey.simulator.truth(estab, "Students", {"resource": "students"})
    assert counted == [(len(truth),)]


def test_the_consumer_writes_a_file_per_table(
    journey: Journey, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": journey.stack.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": journey.stack.region,
        "DATA_BUCKET": journey.stack.bucket,
        "COPIES_BUCKET": COPIES,
    }.items():
        monkeypatch.setenv(name, value)
    s3 = journey.stack.aws("s3")
    s3.create_bucket(
        Bucket=COPIES,
        CreateBucketConfiguration={"LocationConstraint": journey.stack.region},
    )
    manifest = bridge.school(SECONDARY.estab).dataset("students").manifest
    data = {
        "estab": SECONDARY.estab,
        "dataset": "students",
        "sequence": manifest.sequence,
        "manifest_key": f"manifests/…/{manifest.sequence:010d}.json",
    }
    facts = {"id": "1", "type": "dataset.changed", "timestamp": "2026-11-24T03:00:00.000Z"}
    handler.lambda_handler({"detail": {**facts, "data": data}})
    key = f"estab={SECONDARY.estab}/dataset=students/Students.csv"
    lines = s3.get_object(Bucket=COPIES, Key=key)["Body"].read().decode().splitlines()
    assert len(lines) > manifest.tables["Students"].rows
    assert lines[0].split(",")[0] == "Id"


def test_the_register_writes_each_mark_once(
    journey: Journey, bridge: Bridge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = bridge.school(SECONDARY.estab).dataset("students").table("Students").rows()
    pupils = [next(rows)["Id"] for _ in range(2)]
    rows.close()  # type: ignore[attr-defined]
    file = tmp_path / "marks.csv"
    file.write_text("StudentId,Mark\n" + "".join(f"{pupil},L\n" for pupil in pupils))
    arguments = [SECONDARY.estab, "7B", school_day(4), "AM", "1", str(file)]
    with Api(journey.stack.api_url) as api:
        assert [main(arguments, api) for _ in range(2)] == [0, 0]
    assert capsys.readouterr().out.splitlines()[-1] == "All marks are in the school's MIS."

    def written() -> list[dict[str, Any]]:
        return [
            each
            for each in journey.simulator.written(SECONDARY.estab)
            if any(pupil in str(each) for pupil in pupils)
        ]

    assert [each["times"] for each in until(written)] == [1, 1]
