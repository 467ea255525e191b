from datetime import timedelta

from tests.support.builders import ESTAB, NOW, OTHER_ESTAB
from xporter_bridge.events.model import TYPES, Event, new_event
from xporter_bridge.schools.states import SchoolState


def test_the_same_fact_has_the_same_id_however_often_it_is_announced() -> None:
    first = new_event("school.live", NOW, about="1", estab=ESTAB)
    again = new_event("school.live", NOW + timedelta(minutes=5), about="1", estab=ESTAB)
    assert first.id == again.id


def test_another_fact_type_or_school_has_another_id() -> None:
    ids = {
        new_event(type_, NOW, about=about, estab=estab).id
        for type_ in ("school.live", "school.paused")
        for about in ("1", "2")
        for estab in (ESTAB, OTHER_ESTAB)
    }
    assert len(ids) == 8


def test_the_document_is_the_documented_one_and_is_read_back() -> None:
    event = new_event("dataset.changed", NOW, about="7", estab=ESTAB, dataset="students")
    document = event.document()
    assert document == {
        "id": event.id,
        "type": "dataset.changed",
        "timestamp": "2026-11-24T03:00:00.000Z",
        "data": {"estab": ESTAB, "dataset": "students"},
    }
    assert Event.read(document) == event


def test_every_documented_type_is_known() -> None:
    kinds = {type_.partition(".")[0] for type_ in TYPES}
    assert kinds == {"school", "dataset", "writeback", "person"}
    states = {type_.partition(".")[2] for type_ in TYPES if type_.startswith("school.")}
    assert states <= {*SchoolState, "end_announced", "end_withdrawn"}
