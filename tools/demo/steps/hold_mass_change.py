"""A change set that would delete much of a school's data waits for a person's decision."""

from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import PRIMARY
from tools.demo.verification import is_true, sequences
from tools.demo.wait import expect, until

_LEAVERS = PRIMARY.students * 3 // 10


def hold_a_mass_change(journey: Journey) -> str:
    """30 % of the pupils vanish: the change is held, shown, approved by a person, and applied."""
    before = sequences(PRIMARY, journey.lake)
    journey.simulator.change(PRIMARY.estab, "XodSchoolData", deletes=_LEAVERS)
    journey.simulator.change(PRIMARY.estab, "XodAttendanceSummary", rows=1)
    held = _wait_for_hold(journey)
    expect("students" in held, f"the pupils' change was not held, but {sorted(held)}")
    now = sequences(PRIMARY, journey.lake)
    expect(all(now[name] == before[name] for name in held), "a held change reached the readers")
    for dataset in held:
        path = f"/v1/schools/{PRIMARY.estab}/datasets/{dataset}/hold"
        journey.api.post(path, {"decision": "approve"})
    journey.wait_for_truth(PRIMARY)
    reason = held["students"]["hold"]["reasons"][0]
    return f"held ({reason}) with {len(held) - 1} more datasets; approved and equal to the truth"


def _wait_for_hold(journey: Journey) -> dict[str, Any]:
    """Wait until every dataset is held or as the school has it; return the held ones."""

    def look() -> dict[str, Any]:
        shown = journey.api.get(f"/v1/schools/{PRIMARY.estab}")["datasets"]
        datasets = {each["dataset"]: each for each in shown}
        for name in PRIMARY.datasets:
            manifest = journey.lake.latest(PRIMARY.estab, name)
            settled = manifest and is_true(manifest, journey.simulator, journey.lake)
            if datasets[name]["state"] != "held" and not settled:
                raise NotYetError(f"{PRIMARY.estab}/{name} is neither held nor applied")
        return {name: each for name, each in datasets.items() if each["state"] == "held"}

    return until(look)
