"""Publishes the events that a school's item still holds."""

from __future__ import annotations

from dataclasses import replace

from xporter_bridge import telemetry
from xporter_bridge.events.bus import EventBus
from xporter_bridge.schools.attention import of_event
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState

_OF_SCHOOLS = "school."
_OF_STATES = {f"{_OF_SCHOOLS}{state}" for state in SchoolState}


def publish_school_events(estab: str, schools: SchoolRepository, bus: EventBus) -> None:
    """Publish the events in the school's outbox, if there are any."""
    school = schools.get(estab)
    if school:
        publish_outbox(school, schools, bus)


def publish_outbox(school: School, schools: SchoolRepository, bus: EventBus) -> None:
    """Publish the events of a school that was just read, and clear them.

    Publishing twice is harmless: an event keeps its id. The ``attention`` of an event about the
    school's state is that of the school as it was just read, so that a person who reads an event
    late is not told of an earlier state.
    """
    if school.outbox:
        attention = of_event(school).document()
        bus.publish(
            replace(each, data={**each.data, "attention": attention})
            if each.type.startswith(_OF_SCHOOLS)
            else each
            for each in school.outbox
        )
        schools.clear_outbox(school)
        if any(each.type in _OF_STATES for each in school.outbox):
            telemetry.count("SchoolStateChanged", str(school.state))
