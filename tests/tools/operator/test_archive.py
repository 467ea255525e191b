"""The zip of an export: all rows of a school, or those that name one person."""

import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.support.builders import ESTAB
from tests.support.template import ROOT
from tools.operator.archive import MANIFEST, Person, write
from tools.operator.people import PersonKind
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.xporter import people

Rows = Sequence[Mapping[str, Any]]
SCHOOL: dict[str, dict[str, Rows]] = {
    "students": {
        "Students": [
            {"Id": "9918", "StudentSiblingIds": ["9919"]},
            {"Id": "9919", "Surname": "Zebra", "StudentSiblingIds": ["9918"]},
            {"Id": "9920", "StudentSiblingIds": []},
        ],
        "StudentNotes": [],
    },
    "groups": {
        "Group": [{"Id": "GR-1", "StudentIds": "9918,9919"}, {"Id": "GR-2", "StudentIds": "9920"}],
        "StudentMembers": [{"Id": "GR-1.PL-9919"}, {"Id": "GR-1.PL-9918"}],
    },
    "staff": {"Staff": [{"Id": "9919", "Surname": "of the same Id"}]},
}
PUPIL = Person(PersonKind.PUPIL, "9919")


def manifest(dataset: str, tables: Mapping[str, Rows], **more: Any) -> dict[str, Any]:
    entries = {
        table: {"rows": len(rows), "snapshot_key": f"{dataset}/{table}", "sha256": "given"}
        for table, rows in tables.items()
    }
    said = {"dataset": dataset, "sequence": 7, "as_of": "2026-11-24T03:00:00.000Z"}
    return {**said, "tables": entries, **more}


def exported(
    person: Person | None, school: Mapping[str, Mapping[str, Rows]] = SCHOOL, **more: Any
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest of an export and its other files."""

    def read(key: str, sha256: str) -> Iterator[bytes]:
        assert sha256 == "given"
        dataset, table = key.split("/", 1)
        return (json.dumps(row).encode() for row in school[dataset][table])

    to = io.BytesIO()
    manifests = [manifest(dataset, tables, **more) for dataset, tables in school.items()]
    told = write(to, {"estab": ESTAB}, manifests, person, read)
    with zipfile.ZipFile(to) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[-1] == MANIFEST
        files = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(files.pop(MANIFEST))
    assert document == told
    assert [each["file"] for each in document["files"]] == list(files)
    for each in document["files"]:
        body = files[each["file"]]
        assert each["sha256"] == hashlib.sha256(body).hexdigest()
        assert each["rows"] == len(body.splitlines())
    return document, files


def ids(body: bytes) -> list[str]:
    return [json.loads(line)["Id"] for line in body.splitlines()]


def test_a_school_is_exported_with_every_row_and_empty_tables_too() -> None:
    document, files = exported(None)
    assert document["estab"] == ESTAB
    assert [(each["dataset"], each["sequence"]) for each in document["datasets"]] == [
        ("students", 7), ("groups", 7), ("staff", 7),
    ]  # fmt: skip
    for dataset, tables in SCHOOL.items():
        for table, rows in tables.items():
            body = files[f"data/{dataset}/{table}.ndjson"]
            assert [json.loads(line) for line in body.splitlines()] == list(rows)
    assert "mentions" not in document["files"][0]


def test_of_a_person_there_are_the_rows_that_name_the_person_and_no_other() -> None:
    document, files = exported(PUPIL)
    assert {name: ids(body) for name, body in files.items()} == {
        "data/students/Students.ndjson": ["9918", "9919"],
        "data/groups/Group.ndjson": ["GR-1"],
        "data/groups/StudentMembers.ndjson": ["GR-1.PL-9919"],
    }
    counts = {each["table"]: (each["rows"], each["mentions"]) for each in document["files"]}
    assert counts == {"Students": (2, 1), "Group": (1, 1), "StudentMembers": (1, 0)}
    assert [each["dataset"] for each in document["datasets"]] == list(SCHOOL)


@pytest.mark.parametrize("identity", ["9919", "PL-9919", " 9919 ", "pl-9919"])
def test_the_rows_of_an_export_are_those_that_an_erasure_deletes_or_changes(identity: str) -> None:
    nobody = OpenedPeople(b"k" * 32, frozenset())
    digest = nobody.digest((people.PersonKind.PUPIL, identity))
    erased = OpenedPeople(b"k" * 32, frozenset({digest}))
    _, files = exported(Person(PersonKind.PUPIL, identity))
    for dataset, tables in SCHOOL.items():
        for table, rows in tables.items():
            found = [row["Id"] for row in rows if erased.allowed(table, row) is not row]
            assert ids(files.get(f"data/{dataset}/{table}.ndjson", b"")) == found


def test_the_rule_is_one_file_and_not_a_copy() -> None:
    ours = ROOT / "layers/shared/xporter_bridge/xporter/people.py"
    assert (ROOT / "tools/operator/people.py").resolve() == ours.resolve()


def test_what_was_requested_for_the_person_alone_is_exported_whole() -> None:
    school = {"timetable": {"Timetable": [{"Id": "TT-1"}, {"Id": "TT-2"}]}}
    asked = {"endpoint": "timetableforstudent", "parameters": {"id": "9919"}}
    _, files = exported(PUPIL, school, **asked)
    assert ids(files["data/timetable/Timetable.ndjson"]) == ["TT-1", "TT-2"]
    _, files = exported(Person(PersonKind.PUPIL, "9918"), school, **asked)
    assert files == {}


def test_what_was_requested_for_several_people_shows_nobody_the_others_rows() -> None:
    rows = [{"Id": "1", "StudentId": "9918"}, {"Id": "2", "StudentId": "9919"}]
    asked = {"endpoint": "studentmedical", "parameters": {"StudentIds": "9918,9919"}}
    _, files = exported(PUPIL, {"studentmedical": {"Notes": rows}}, **asked)
    assert ids(files["data/studentmedical/Notes.ndjson"]) == ["2"]


def test_a_dataset_that_was_erased_is_named_without_tables() -> None:
    erased = {"at": "2026-11-24T03:00:00.000Z", "reason": "scope_removed"}
    document, files = exported(None, {"students": {}}, erased=erased)
    assert document["datasets"][0]["erased"] == erased
    assert files == {}


@pytest.mark.parametrize("table", ["../../evil", "a/b", "..", "", "Ünï"])
def test_no_name_leads_out_of_the_folder(table: str) -> None:
    [name] = exported(None, {"odd": {table: [{"Id": "1"}]}})[1]
    assert name.startswith("data/odd/")
    assert ".." not in name.split("/")
    assert name.count("/") == 2


def test_an_identity_is_not_in_what_an_error_could_show() -> None:
    assert "9919" not in repr(PUPIL)


def test_memory_does_not_grow_with_the_rows() -> None:
    class Forgetful(io.RawIOBase):
        """Takes everything and keeps nothing."""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return len(data)

    def peak(rows: int) -> int:
        lines = (f'{{"Id":"{number}","StudentId":"9919"}}'.encode() for number in range(rows))
        tracemalloc.start()
        try:
            tables = {"Marks": []}
            write(Forgetful(), {}, [manifest("marks", tables)], PUPIL, lambda *_: lines)  # type: ignore[arg-type]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1_000)  # what is imported and cached at first
    assert peak(20_000) < peak(1_000) + 100_000
