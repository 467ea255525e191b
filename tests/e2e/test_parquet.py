"""A stack of its own with ``Formats=ndjson+parquet``, from the built layers to the readers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest

from tests.support.parquet import hold_equal
from tools.demo.context import Journey
from tools.demo.schools import DemoSchool
from tools.operator.main import main
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack
from xporter_bridge_client import Bridge

pytestmark = pytest.mark.xdist_group("stack")

SCHOOL = DemoSchool("3281199", students=25, seed=5)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A stack with one school that was pulled."""
    settings = StackSettings(
        directory=tmp_path_factory.mktemp("parquet"), parameters={"Formats": "ndjson+parquet"}
    )
    with local_stack(settings) as stack, closing(Journey.on(stack)) as made:
        made.simulator.found(SCHOOL.estab, SCHOOL.students, SCHOOL.seed)
        made.simulator.authorise(SCHOOL.estab, install_completed=True)
        made.wait_for_truth(SCHOOL)
        yield made


def test_every_table_has_a_parquet_file_that_readers_find_and_verify(
    journey: Journey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = Bridge(journey.stack.bucket, journey.stack.aws("s3"))
    names = bridge.school(SCHOOL.estab).datasets()
    assert len(names) > 5
    for name in names:
        assert bridge.verify(SCHOOL.estab, name).is_ok
        tables = bridge.school(SCHOOL.estab).dataset(name).manifest.document["tables"]
        keys = [entry[key] for entry in tables.values() for key in ("snapshot_key", "parquet_key")]
        objects = {key: _body(journey, key) for key in keys}
        for entry in tables.values():
            hold_equal(objects, entry)

    monkeypatch.setenv("STACK_DIR", str(Path(journey.stack.log_file).parent))
    to = tmp_path / "students.parquet"
    words = ("data", "get", SCHOOL.estab, "students", "Students", "--format=parquet", f"-o{to}")
    assert main(words) == 0
    students = bridge.school(SCHOOL.estab).dataset("students").table("Students")
    students.save_parquet(tmp_path / "saved.parquet")
    assert to.read_bytes() == (tmp_path / "saved.parquet").read_bytes()
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(("data", "ddl", SCHOOL.estab, "students", "Students", "--json")) == 0
    statement = json.loads(said.getvalue())["statement"]
    assert f"s3://{journey.stack.bucket}/snapshots/" in statement


def _body(journey: Journey, key: str) -> bytes:
    body: bytes = (
        journey.stack.aws("s3").get_object(Bucket=journey.stack.bucket, Key=key)["Body"].read()
    )
    return body
