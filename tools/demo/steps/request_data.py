"""Data that Xporter must fetch first: requested, called back or not, and pulled."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.demo.context import Journey
from tools.demo.schools import CAUTIOUS, PRIMARY, DemoSchool
from tools.demo.verification import is_true
from tools.demo.wait import expect

# On a busy machine, the function that hears of the callback takes ten seconds to start.
AVAILABILITY_DEADLINE_SECONDS = 15


def pull_on_request(journey: Journey) -> str:
    """A day's attendance is asked for; the availability callback says OK, and it is pulled."""
    manifest = _pull_attendance(journey, PRIMARY)
    expect(not manifest["stale"], "the callback said OK, and the result is marked stale")
    return f"{manifest['dataset']} of {PRIMARY.estab}: fresh and equal to the truth"


def pull_in_spite_of_silence(journey: Journey) -> str:
    """Xporter never calls back: at the deadline the data is pulled all the same, marked stale."""
    silent = {"kind": "availability_never", "estab": CAUTIOUS.estab, "count": 1}
    journey.simulator.set_faults(silent)
    begun = time.monotonic()
    manifest = _pull_attendance(journey, CAUTIOUS)
    waited = f"{time.monotonic() - begun:.0f} s of silence"
    journey.simulator.set_faults()
    expect(manifest["stale"] is True, "nobody called back, and the result is not marked stale")
    return f"{manifest['dataset']} of {CAUTIOUS.estab}: {waited}, so it is marked stale"


def school_day(days_ago: int) -> str:
    """Return the date of so many school days ago."""
    day = datetime.now(UTC).date()
    while days_ago:
        day -= timedelta(days=1)
        days_ago -= day.weekday() < 5
    return day.isoformat()


def _pull_attendance(journey: Journey, school: DemoSchool) -> dict[str, Any]:
    """Ask for the attendance of a day, wait for its end, prove it, and return its manifest."""
    pulls = f"/v1/schools/{school.estab}/pulls"
    asked = {"endpoint": "attendancefordate", "parameters": {"date": school_day(1)}}
    path = f"{pulls}/{journey.api.post(pulls, asked)['id']}"
    shown = journey.wait_for_state(path, "completed", "failed", "held")
    expect(shown["state"] == "completed", f"{path} is {shown['state']}: {shown['reason']}")
    manifest: dict[str, Any] = shown["manifest"]
    expect(is_true(manifest, journey.simulator, journey.lake), f"{path} is not the truth")
    journey.proved[school.estab] += len(manifest["tables"])
    return manifest
