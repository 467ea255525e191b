"""Every event of docs/events becomes a type with every field of its schema."""

import json
from dataclasses import fields
from typing import Any

import pytest

from tests.support.template import ROOT
from xporter_bridge.events.model import TYPES
from xporter_bridge_client import parse
from xporter_bridge_client.api_types import Attention
from xporter_bridge_client.events import (
    DatasetChanged,
    DatasetHeld,
    Event,
    PersonErased,
    SchoolEnd,
    SchoolEvent,
    WritebackEnded,
)

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "docs/events").glob("*.schema.json")
}


def test_every_type_has_a_schema_here() -> None:
    assert set(SCHEMAS) == set(TYPES)


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_an_event_has_every_field_of_its_schema(kind: str) -> None:
    [example] = SCHEMAS[kind]["examples"]
    event = parse(example)
    family = kind.partition(".")[0]
    expected = {
        "school": SchoolEvent,
        "writeback": WritebackEnded,
        "person": PersonErased,
    }.get(family)
    if kind.startswith("school.end_"):
        expected = SchoolEnd
    assert type(event) is (expected or {"changed": DatasetChanged, "held": DatasetHeld}[kind[8:]])
    own = {each.name for each in fields(event)} - {each.name for each in fields(Event)}
    renamed = {"writeback_id": "id"}
    assert {renamed.get(name, name) for name in own} | {"estab"} == set(
        SCHEMAS[kind]["properties"]["data"]["properties"]
    )
    for name in own:
        value = example["data"][renamed.get(name, name)]
        if name == "attention":
            value = Attention.read(value)
        assert getattr(event, name) == (tuple(value) if isinstance(value, list) else value)
    assert (event.id, event.type, event.estab) == (example["id"], kind, example["data"]["estab"])
    assert event.timestamp.isoformat() == "2026-11-24T03:00:00+00:00"


def test_an_event_of_an_earlier_version_has_no_attention() -> None:
    [detail] = SCHEMAS["school.revoked"]["examples"]
    data = {name: value for name, value in detail["data"].items() if name != "attention"}
    event = parse({**detail, "data": data})
    assert isinstance(event, SchoolEvent)
    assert event.attention is None


def test_an_event_is_read_from_whatever_delivers_it() -> None:
    [detail] = SCHEMAS["dataset.changed"]["examples"]
    envelope = {"source": "xporter-bridge", "detail-type": "dataset.changed", "detail": detail}
    forms: list[Any] = [detail, envelope, json.dumps(envelope), json.dumps(detail).encode()]
    assert len({parse(form).id for form in forms}) == 1
    assert all(isinstance(parse(form), DatasetChanged) for form in forms)


def test_an_event_of_a_later_version_is_kept_and_not_refused() -> None:
    [example] = SCHEMAS["school.live"]["examples"]
    later = parse({**example, "type": "school.moved", "data": {"estab": "3281102", "to": "x"}})
    assert type(later) is Event
    assert later.data["to"] == "x"
    more = parse({**example, "data": {**example["data"], "more": 1}})
    assert isinstance(more, SchoolEvent)


@pytest.mark.parametrize("other", [{}, {"detail": {}}, [], {"detail": "x"}, "{}", "null"])
def test_anything_else_is_refused(other: Any) -> None:
    with pytest.raises(ValueError, match="no event of Xporter Bridge"):
        parse(other)


def test_the_outcome_of_a_writeback_and_an_erasure_are_properties() -> None:
    [failed] = SCHEMAS["writeback.failed"]["examples"]
    event = parse(failed)
    assert isinstance(event, WritebackEnded)
    assert event.outcome == "failed"
    [erased], [live] = SCHEMAS["school.erased"]["examples"], SCHEMAS["school.live"]["examples"]
    assert [parse(each).is_erased for each in (erased, live)] == [True, False]  # type: ignore[attr-defined]
