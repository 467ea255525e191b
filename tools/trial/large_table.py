"""A table that S3 takes in parts only: its snapshot is larger than five megabytes, compressed."""

from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import DemoSchool
from tools.demo.verification import is_true
from tools.demo.wait import expect, until

# As many pupils as five large schools have: the members of all their groups are 85,000 rows.
# Groups need the scope School alone, so that nothing else of it is pulled.
LARGE = DemoSchool("8739999", students=6600, seed=4, scopes=("School", "Student", "Staff"))
_DATASET, _TABLE = "groups", "StudentMembers"
_PART_BYTES = 5 * 1024 * 1024


def pull_a_large_table(journey: Journey) -> str:
    """A table of more than 5 MB is pulled, changed and pulled again; both times it is the truth."""
    journey.simulator.found(
        LARGE.estab, LARGE.students, LARGE.seed, scopes=list(LARGE.scopes or ())
    )
    journey.simulator.authorise(LARGE.estab, install_completed=True)
    first = _wait_for_truth(journey, after=0)
    facts = first["tables"][_TABLE]
    size = _size(journey, facts["snapshot_key"])
    expect(size > _PART_BYTES, f"the snapshot has {size:,} bytes, so it was written in one part")
    journey.simulator.change(LARGE.estab, "XodSchoolData", rows=20, inserts=5, deletes=8)
    second = _wait_for_truth(journey, after=first["sequence"])
    return (
        f"{facts['rows']:,} rows, {size / 1e6:.1f} MB compressed; then {_changes(second)} changes"
    )


def _wait_for_truth(journey: Journey, after: int) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        manifest = journey.lake.latest(LARGE.estab, _DATASET)
        if manifest is None or manifest["sequence"] <= after:
            raise NotYetError(f"{LARGE.estab}/{_DATASET} has no sequence after {after}")
        if not is_true(manifest, journey.simulator, journey.lake):
            raise NotYetError(f"{LARGE.estab}/{_DATASET} is not as at the school")
        return manifest

    return until(look)


def _size(journey: Journey, key: str) -> int:
    s3, bucket = journey.stack.aws("s3"), journey.stack.bucket
    return int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])


def _changes(manifest: dict[str, Any]) -> int:
    return int(sum(each["upserts"] + each["deletes"] for each in manifest["tables"].values()))
