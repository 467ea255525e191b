"""examples/register against the project's own API."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.register.register import main, outcome, take
from tests.clients.test_api import Stub, served, stub, writeback  # noqa: F401 - fixtures
from tests.integration.test_serve_api import held
from tests.support.builders import ESTAB
from tests.support.moto_cloud import Cloud
from xporter_bridge_client import ApiError
from xporter_bridge_client.api_types import Writeback

REGISTER = (ESTAB, "7B", "2026-11-20", "AM")
MARKS = {"9919": "/", "9920": "L"}


def test_a_register_is_written_once_and_a_correction_anew(cloud: Cloud, served: Stub) -> None:  # noqa: F811
    held(cloud)
    with served.api() as api:
        first = take(api, *REGISTER, 1, MARKS)
        assert take(api, *REGISTER, 1, dict(reversed(MARKS.items()))) == first
        with pytest.raises(ApiError) as other:
            take(api, *REGISTER, 1, {**MARKS, "9920": "/"})
        assert other.value.status == 409
        assert take(api, *REGISTER, 2, {**MARKS, "9920": "/"}) != first
        [part] = api.writeback(ESTAB, first).parts
    assert (part["date"], part["rows"]) == ("2026-11-20", 2)


@pytest.mark.parametrize(("state", "status"), [("completed", 0), ("failed", 1), ("unknown", 1)])
def test_the_end_is_told(
    stub: Stub,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    state: str,
    status: int,
) -> None:
    file = tmp_path / "marks.csv"
    file.write_text("StudentId,Mark\n9919,/\n9920,L\n")
    stub.replies = [(202, {"id": "writeback-1"}, {}), writeback("sent"), writeback(state)]
    with stub.api() as api:
        assert main([*REGISTER, "1", str(file)], api) == status
    shown = capsys.readouterr().out.splitlines()
    ended = Writeback.read(writeback(state)[1])
    assert shown == ["sent …", outcome(ended)]


def test_a_refused_register_says_why(
    stub: Stub,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "marks.csv"
    file.write_text("StudentId,Mark\n9919,/\n")
    stub.replies = [(409, {"detail": "the key was used with another payload"}, {})]
    with stub.api() as api:
        assert main([*REGISTER, "1", str(file)], api) == 1
    assert "another payload" in capsys.readouterr().out
