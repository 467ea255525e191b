"""Schools authorise us, and their data arrives."""

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import DATABASES, SCHOOLS, DemoSchool
from tools.demo.wait import expect, until


def onboard_schools(journey: Journey) -> str:
    """Schools authorise us; each gets its webhooks, and is pulled until it equals the truth."""
    for school in SCHOOLS:
        _authorise(journey, school)
    tables = sum(journey.wait_for_truth(school) for school in SCHOOLS)
    for school in SCHOOLS:
        _wait_for_webhooks(journey, school)
        _hold_to_scopes(journey, school)
        journey.wait_for_state(f"/v1/schools/{school.estab}", "live")
    return f"{len(SCHOOLS)} schools live, {tables} snapshots equal to the truth"


def _authorise(journey: Journey, school: DemoSchool) -> None:
    scopes = {"scopes": list(school.scopes)} if school.scopes else {}
    journey.simulator.found(school.estab, school.students, school.seed, **scopes)
    for callback in journey.simulator.authorise(school.estab, install_completed=True):
        expect(callback["status"] == 202, f"the authentication callback got {callback['status']}")


def _wait_for_webhooks(journey: Journey, school: DemoSchool) -> None:
    """Xporter must hold one registration for each database."""

    def look() -> None:
        webhooks = journey.simulator.school(school.estab)["webhooks"]
        registered = {webhook["database"] for webhook in webhooks}
        if registered != DATABASES:
            raise NotYetError(f"{school.estab} has webhooks for {sorted(registered)}")

    until(look)


def _hold_to_scopes(journey: Journey, school: DemoSchool) -> None:
    """Data that the school does not share were neither requested nor published."""
    pulled = {d for d in school.not_shared if journey.lake.latest(school.estab, d)}
    expect(not pulled, f"{school.estab} does not share {sorted(pulled)}")
