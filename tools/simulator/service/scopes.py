"""The 46 scopes, and the expressions in which endpoints and columns name them."""

from collections.abc import Collection
from functools import lru_cache

CATEGORIES: dict[str | None, tuple[str, ...]] = {
    "Students": (
        "Address", "AgencyAgent", "AssessmentResults", "Attendance", "Conduct",
        "ConductComments", "SEN", "SENTypes", "Student", "StudentDemographic",
        "StudentDetentions", "StudentEthnicity", "StudentExclusions", "StudentExtended",
        "StudentFamily", "StudentFreeText", "StudentFunding", "StudentHistory", "StudentLite",
        "StudentMedical", "StudentPregnancy", "StudentReligion", "StudentSchoolHistory", "UPN",
    ),
    "Contacts": ("Contact",),
    "School": ("EndpointInfo", "School", "SchoolLite"),
    "Staff": (
        "Staff", "StaffAbsence", "StaffAddress", "StaffContractual", "StaffEmployment",
        "StaffEthnicity", "StaffExtended", "StaffFinancial", "StaffLite",
        "StaffPersonalContact", "StaffReligion",
    ),
    "Students,Staff": ("Photos",),
    "Writeback": (
        "WritebackAssessment", "WritebackAttendance", "WritebackConduct", "WritebackPhotos",
    ),
    None: ("EmergeForWeb", "EmergeViaXod"),
}  # fmt: skip

ALL: tuple[str, ...] = tuple(sorted(name for names in CATEGORIES.values() for name in names))
#: What a school grants unless it is told otherwise: everything but the vendor's own products.
USUAL: tuple[str, ...] = tuple(name for name in ALL if name not in ("EmergeForWeb", "EmergeViaXod"))


@lru_cache(maxsize=1024)
def _alternatives(expression: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(part.split("&")) for part in expression.split(","))


def covers(granted: Collection[str], expression: str) -> bool:
    """Tell whether ``granted`` satisfies it: comma is any of, ``&`` all of, ``*`` and empty anyone.

    Source: xporter-api.md 5.7.
    """
    if expression in ("", "*"):
        return True
    return any(needed.issubset(granted) for needed in _alternatives(expression))


def listing() -> list[dict[str, str | None]]:
    """Return the rows of ``/api/v1/Scopes``."""
    return [
        {"Name": name, "Category": category, "Description": f"Access to {name} data"}
        for category, names in CATEGORIES.items()
        for name in names
    ]
