"""docs/tables.md and the schemas of tables: generated, current, and true of what Xporter sends."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.template import ROOT
from tests.tools.simulator.test_changesets import ask, world_with_a_school
from tests.tools.simulator.test_rows import MANDATORY
from tools.catalogue.columns import TYPES, tables
from tools.catalogue.pages import SCHEMAS, files
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.scopes import ALL
from xporter_bridge.xporter.endpoints import endpoints

GENERATED = {str(path): text for path, text in files()}


def test_every_generated_file_is_current() -> None:
    stale = [
        path
        for path, text in GENERATED.items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "make tables"


def test_there_is_a_schema_for_every_table_and_for_nothing_else() -> None:
    published = {str(path.relative_to(ROOT)) for path in (ROOT / SCHEMAS).iterdir()}
    assert published == {
        f"{SCHEMAS}/{name}.{table}.schema.json"
        for name, endpoint in endpoints().items()
        for table in endpoint.tables
    }


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_what_the_simulator_sends_is_as_the_schemas_say(name: str) -> None:
    world, school = world_with_a_school(60)
    resource = RESOURCES[name]
    needed = {each.split("|")[0] for each in resource.mandatory}
    parameters = {each.lower(): MANDATORY.get(each, "10000") for each in needed}
    answer = ask(world, school, name, ALL, options=",".join(resource.options), **parameters)
    checked = 0
    for shape in resource.shapes:
        path = f"{SCHEMAS}/{name}.{shape.name}.schema.json"
        if path in GENERATED:
            validator = Draft202012Validator(json.loads(GENERATED[path]))
            for row in answer[shape.name]:
                validator.validate(row)
            checked += 1
    assert checked or name not in endpoints() or not endpoints()[name].tables


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date", "2016-08-24", "24 August"),
        ("time", "2016-08-24T09:00:00.1", "yesterday"),
        ("whole number", 2**70, "many"),
        ("number", "0.5", "half"),
        ("truth", None, [1]),
        ("text", "007", {"a": 1}),
        ("base64", "aGVsbG8=", 3),
    ],
)
def test_a_schema_takes_what_its_types_hold_and_nothing_else(
    kind: str, good: Any, bad: Any
) -> None:
    validator = Draft202012Validator(dict(TYPES[kind].schema))
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_every_column_has_a_type_and_ids_are_text() -> None:
    for table in tables():
        assert set(table.columns.values()) <= set(TYPES)
        for column, kind in table.columns.items():
            if column.lower().endswith("id"):
                assert kind == "text", (table.title, column)
