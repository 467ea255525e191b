"""A pull whose process is killed resumes with the pages that are missing."""

import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import SECONDARY
from tools.demo.wait import expect, until

_DATASET = "groups"
_PULLS = f"/v1/schools/{SECONDARY.estab}/pulls"
_KILL_AFTER_PAGES = 11


def resume_a_killed_pull(journey: Journey) -> str:
    """A long pull is killed half-way (kill -9); the next one fetches only the missing pages."""
    since = journey.simulator.last_request()
    _begin_slow_pull(journey)
    until(lambda: _look_for_pages(journey, since))
    _kill_pulls(journey)
    safe, killed_at = _staged_pages(journey), journey.simulator.last_request()
    journey.simulator.set_faults()
    _let_lease_expire(journey)
    journey.stack.trigger("watch_deadlines")
    for dataset in SECONDARY.datasets - {_DATASET}:
        journey.api.post(_PULLS, {"dataset": dataset})
    journey.wait_for_truth(SECONDARY)
    return _judge(safe, _pages(journey, since), _pages(journey, killed_at))


def _begin_slow_pull(journey: Journey) -> None:
    """Have one dataset pulled anew in full, slowly enough to be killed in the middle."""
    journey.simulator.forget_hashes(SECONDARY.estab)
    journey.simulator.change(SECONDARY.estab, "XodSchoolData", inserts=1, notify=False)
    journey.simulator.set_faults({"kind": "slow", "delay_ms": 400, "path": f"/{_DATASET}"})
    journey.api.post(_PULLS, {"dataset": _DATASET})


def _judge(safe: set[int], pages: list[int], after: list[int]) -> str:
    """Check that no staged page is requested again but page 1, which proves that no row moved."""
    needless = safe.intersection(after) - {1}
    expect(bool(safe), "nothing was safe when the pull was killed")
    expect(not needless, f"pages {sorted(needless)} were safe and were fetched again")
    again = len(pages) - len(set(pages))
    return (
        f"{len(set(pages))} pages, {len(safe)} of them safe at the kill; {again} fetched again: "
        f"{again - 1} that were on their way, and page 1 to prove that nothing moved"
    )


def _pages(journey: Journey, since: int) -> list[int]:
    """Return the pages of the full pull that were requested, in order."""
    path = f"/api/v1/school/{SECONDARY.estab}/{_DATASET}"
    queries = [
        parse_qs(entry["query"])
        for entry in journey.simulator.requests(since)
        if entry["path"].lower() == path
    ]
    return [int(query["page"][0]) for query in queries if query["changedRows"] == ["*"]]


def _look_for_pages(journey: Journey, since: int) -> None:
    asked = len(_pages(journey, since))
    if asked < _KILL_AFTER_PAGES:
        raise NotYetError(f"only {asked} pages were asked for")


def _kill_pulls(journey: Journey) -> None:
    """Kill the processes of this stack that run pull_dataset."""
    directory = str(Path(journey.stack.log_file).parent)
    function = journey.stack.physical_ids["PullDatasetFunction"]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text()
            if directory in command and function in command:
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # it has just ended by itself


def _staged_pages(journey: Journey) -> set[int]:
    """Return the pages that the staging bucket held."""
    bucket = journey.stack.outputs["StagingBucketName"]
    prefix = f"staging/estab={SECONDARY.estab}/dataset={_DATASET}/"
    listed = journey.stack.aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    found = (re.search(r"/page-(\d+)", entry["Key"]) for entry in listed.get("Contents", ()))
    return {int(page[1]) for page in found if page}


def _let_lease_expire(journey: Journey) -> None:
    """End the dataset's lease now; it would end by itself after 90 seconds."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    journey.stack.aws("dynamodb").update_item(
        TableName=journey.stack.outputs["DatasetsTableName"],
        Key={"estab": {"S": SECONDARY.estab}, "dataset": {"S": _DATASET}},
        UpdateExpression="SET lease_expires_at = :now, watch_at = :now",
        ExpressionAttributeValues={":now": {"S": now}},
    )
