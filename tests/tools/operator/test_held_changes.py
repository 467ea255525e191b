"""What a held change would do, counted by table and year group; ids on demand alone."""

from __future__ import annotations

import gzip
import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.operator.errors import NotAllowedError
from tools.operator.held_changes import HeldChange

PUPILS = [{"Id": str(number), "YearGroup": "7" if number < 6 else "11"} for number in range(10)]
PUPILS.append({"Id": "10", "YearGroup": None})


def packed(rows: list[dict[str, Any]]) -> bytes:
    return gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def entry(**facts: Any) -> dict[str, Any]:
    keys = {f"{kind}_key": f"data/{kind}" for kind in ("snapshot", "upserts", "deletes")}
    return {"rows": 11, "upserts": 0, "deletes": 0, "columns": ["Id", "YearGroup"], **keys, **facts}


class Target:
    """A stack whose tables and buckets hold one held change."""

    def __init__(self, held: dict[str, Any], before: dict[str, Any]) -> None:
        hold = {
            "manifest": {"tables": held},
            "copies": {"data/upserts": "staged/upserts", "data/deletes": "staged/deletes"},
        }
        manifest = {"tables": before}
        self.item = {
            name: {"S": json.dumps(each)}
            for name, each in {"hold": hold, "manifest": manifest}.items()
        }
        self.objects = {
            ("BucketName", "published"): packed(PUPILS),
            ("StagingBucketName", "staged/deletes"): packed(
                [{"Id": "1"}, {"Id": "9"}, {"Id": "8"}]
            ),
            ("StagingBucketName", "staged/upserts"): packed([{"Id": "2", "YearGroup": "8"}]),
        }
        self.may_read = True

    def output(self, name: str) -> str:
        return name

    def client(self, service: str) -> Any:
        if service == "dynamodb":
            return SimpleNamespace(get_item=lambda **_: {"Item": self.item})
        return SimpleNamespace(get_object=self._object)

    def _object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as S3 names them
        if not self.may_read:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}


def change(**facts: Any) -> HeldChange:
    held = {"Students": entry(rows=8, upserts=1, deletes=3, **facts)}
    return HeldChange(_target(held), "3281102", "students")


def _target(held: dict[str, Any]) -> Any:
    return Target(held, {"Students": entry(snapshot_key="published")})


def test_rows_are_counted_by_year_group_and_the_groups_are_in_order() -> None:
    assert change().year_groups("Students") == [
        {"year_group": "7", "rows_before": 6, "upserts": 0, "deletes": 1},
        {"year_group": "8", "rows_before": 0, "upserts": 1, "deletes": 0},
        {"year_group": "11", "rows_before": 4, "upserts": 0, "deletes": 2},
    ]


def test_counts_by_table_name_nobody_and_ids_are_given_on_demand() -> None:
    held = change()
    assert held.tables() == [
        {"table": "Students", "rows_before": 11, "rows_after": 8, "upserts": 1, "deletes": 3}
    ]
    assert held.deleted_ids("Students") == ["1", "9", "8"]


@pytest.mark.parametrize("facts", [{"columns": ["Id"]}, {"upserts": 0, "deletes": 0}])
def test_where_year_groups_say_nothing_no_row_is_read(facts: dict[str, Any]) -> None:
    target = _target({"Students": entry(**{"rows": 8, "upserts": 1, "deletes": 3, **facts})})
    target.may_read = False
    assert HeldChange(target, "3281102", "students").year_groups("Students") == []


def test_who_may_not_read_rows_is_told_so() -> None:
    target = _target({"Students": entry(deletes=3)})
    target.may_read = False
    with pytest.raises(NotAllowedError):
        HeldChange(target, "3281102", "students").year_groups("Students")
