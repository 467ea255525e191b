"""The schools of the demo, and the datasets that must be pulled from each."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.set_up import ROOT

DATASETS = ROOT / "layers" / "shared" / "xporter_bridge" / "datasets" / "datasets.toml"


@dataclass(frozen=True)
class DemoSchool:
    """One school to be founded in the simulator.

    ``scopes`` None is all the usual ones; ``not_shared`` names the datasets that its scopes do not
    cover.
    """

    estab: str
    students: int
    seed: int
    scopes: tuple[str, ...] | None = None
    not_shared: frozenset[str] = frozenset()

    @property
    def datasets(self) -> frozenset[str]:
        """The names of the datasets that must be pulled from it."""
        return frozenset(configured()) - self.not_shared


PRIMARY = DemoSchool("3281102", students=210, seed=1)
# More than a thousand pupils, so that every pull of them has pages.
SECONDARY = DemoSchool("3281103", students=1150, seed=2)
CAUTIOUS = DemoSchool(
    "8232999",
    students=120,
    seed=3,
    scopes=("Attendance", "School", "SchoolLite", "Staff", "StaffLite", "Student", "StudentLite"),
    not_shared=frozenset({"contacts", "studentcontacts"}),
)
SCHOOLS = (PRIMARY, SECONDARY, CAUTIOUS)
# Those that feed the datasets; each school shares something of both.
DATABASES = frozenset({"XodSchoolData", "XodAttendanceSummary"})


@cache
def configured() -> dict[str, dict[str, Any]]:
    """Return the enabled entries of datasets.toml by name."""
    entries = tomllib.loads(DATASETS.read_text(encoding="utf-8"))["datasets"]
    return {name: entry for name, entry in entries.items() if entry.get("enabled", True)}
