"""Rows that nobody could write again are refused; they are no fault of ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ContractError
from xporter_bridge.exact_json import loads
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.fetch import PageFetcher
from xporter_bridge.schools.erased_people import OpenedPeople

STUDENTS = configured()["students"]


def fetcher(people: OpenedPeople | None) -> PageFetcher:
    session: Any = SimpleNamespace(erased_people=lambda: people)
    xporter: Any = None
    return PageFetcher(
        STUDENTS,
        session,
        xporter,
        ColumnPolicy(STUDENTS, {}),
        heartbeat=lambda: None,
        remaining_seconds=lambda: 600.0,
    )


@pytest.mark.parametrize("people", [None, OpenedPeople(b"key", frozenset({"0" * 32}))])
@pytest.mark.parametrize("column", ["Id", "Surname", "ContactIds"])
@pytest.mark.parametrize("depth", [300, 990])
def test_a_row_nested_deeply_is_refused(
    people: OpenedPeople | None, column: str, depth: int
) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    page = fetcher(people)._read(
        loads(b'{"Students":[{"Id":"1","%b":%b}]}' % (column.encode(), nested))
    )
    with pytest.raises(ContractError, match="row_nested_too_deeply"):
        fetcher(people)._rows(page)


def test_a_row_nested_a_little_is_stored() -> None:
    page = fetcher(None)._read(loads(b'{"Students":[{"Id":"1","Surname":{"a":[{"b":1}]}}]}'))
    block = fetcher(None)._rows(page).blocks["Students"]
    assert block
    assert block.data == b'{"Id":"1","Surname":{"a":[{"b":1}]}}\n'
