"""The simulator made to look like the account of a probe's report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.builders import ESTAB, RELYING_PARTY
from tests.support.template import ROOT
from tests.support.xporter import Xporter
from tools.operator.main import main
from tools.simulator.http.server import RunningSimulator
from tools.simulator.school.likeness import Likeness

REPORT: dict[str, Any] = {
    "shapes": {
        "students": {
            "ID": ["number"],
            "surName": ["text"],
            "Shoe": ["null", "text"],
            "Rank": ["number"],
        },
        "schoolinfo": {"id": ["text"]},
    },
    "headers": ["X-AspNet-Version", "Date", "content-length", "x-request-id"],
    "assumptions": [
        {"number": "13.17", "verdict": "contradicted"},
        {"number": "5.2", "verdict": "confirmed"},
    ],
}


def like(columns: dict[str, list[str]]) -> Likeness:
    return Likeness.read({"shapes": {"T": columns}, "headers": [], "assumptions": []})


@pytest.mark.parametrize(
    ("value", "types", "sent"),
    [
        ("5", ["number"], 5),
        ("5.5", ["number"], 5.5),
        ("007", ["number"], "007"),
        ("A", ["number"], "A"),
        ("5", ["number", "text"], "5"),
        (5, ["text"], "5"),
        (5, ["number"], 5),
        (True, ["text"], "True"),
        (True, ["number"], 1),
        ("False", ["truth"], False),
        ("maybe", ["truth"], "maybe"),
        (None, ["text"], None),
        ([1], ["text"], [1]),
        ("5", ["null"], "5"),
    ],
)
def test_a_value_becomes_one_of_a_type_that_was_seen(
    value: Any, types: list[str], sent: Any
) -> None:
    (row,) = like({"x": types}).rows("t", [{"X": value}])
    assert row == {"x": sent}
    assert type(row["x"]) is type(sent)


def test_without_a_report_everything_stays_as_it_is() -> None:
    rows = [{"Id": "5"}]
    assert Likeness().rows("Students", rows) is rows
    assert Likeness().table("Students") == "Students"
    assert Likeness().deleted("Students", ["5"]) == [{"Id": "5"}]


def test_columns_of_the_report_alone_are_added_with_a_neutral_value() -> None:
    (row,) = like({"A": ["text", "null"], "B": ["number"], "C": ["truth"]}).rows("T", [{"Id": "1"}])
    assert row == {"Id": "1", "A": None, "B": 0, "C": False}


@pytest.mark.parametrize(
    "report",
    [[], {}, {**REPORT, "shapes": {"T": {"x": ["colour"]}}}, {**REPORT, "assumptions": [1]}],
)
def test_what_is_no_report_is_refused(report: Any) -> None:
    with pytest.raises(ValueError, match="no report"):
        Likeness.read(report)


def answers(xporter: Xporter, secret: str, **query: Any) -> requests.Response:
    body = {"estab": ESTAB, "relyingParty": RELYING_PARTY, "password": secret, "thirdpartyid": "X"}
    token = requests.post(f"{xporter.url}/api/oauth/GetToken", json=body, timeout=10).json()
    url = f"{xporter.url}/api/v1/School/{ESTAB}/Students"
    headers = {"Authorization": f"Idaas {token['token']}"}
    return requests.get(url, params=query, headers=headers, timeout=10)


def test_rows_deletions_headers_and_the_truth_look_like_the_report() -> None:
    with RunningSimulator(likeness=Likeness.read(REPORT)) as simulator:
        xporter = Xporter(simulator.url)
        secret = xporter.school(students=5)
        first = answers(xporter, secret, changedRows="*")
        rows = first.json()["students"]
        assert all(
            type(row["ID"]) is int and row["Shoe"] is None and row["Rank"] == 0 for row in rows
        )
        assert all("surName" in row and "Surname" not in row and "Forename" in row for row in rows)
        assert rows == xporter.truth("Students")
        assert first.headers["x-aspnet-version"] == first.headers["x-request-id"] == "simulated"
        assert first.headers["date"] != "simulated"
        assert "content-length" not in first.headers  # a stream has none
        xporter.control("POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"deletes": 1})
        following = first.json()["__changedRows__"][0]["NextChangedRows"]
        second = answers(xporter, secret, changedRows=following).json()
        (gone,) = second["students_deleted"]
        assert gone["ID"] in {row["ID"] for row in rows}
        assert list(gone) == ["ID"]
        control = requests.get(f"{xporter.url}/_sim/schools", timeout=10)
        assert "x-request-id" not in control.headers
        xporter.close()


def probed(xporter: Xporter, capsys: pytest.CaptureFixture[str]) -> Any:
    account = ["--estab", ESTAB, "--relying-party", RELYING_PARTY, "--xporter-url", xporter.url]
    main(["probe", *account, "--json"])
    return json.loads(capsys.readouterr().out)


def test_a_probe_of_the_likeness_reports_what_the_first_probe_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report of an account that spells and types otherwise, and back again through it."""
    reports = []
    likeness = Likeness.read(REPORT)
    for _ in range(2):
        with RunningSimulator(likeness=likeness) as simulator:
            xporter = Xporter(simulator.url)
            monkeypatch.setenv("XPORTER_SECRET", xporter.school(students=60))
            reports.append(probed(xporter, capsys))
            likeness = Likeness.read(reports[-1])
            xporter.close()
    first, second = reports
    assert first["shapes"]["students"]["ID"] == ["number"]
    assert {"x-aspnet-version", "x-request-id"} <= set(first["headers"])
    assert second["shapes"] == first["shapes"]
    assert second["headers"] == first["headers"]


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.simulator", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=30
    )


def test_a_report_that_cannot_be_read_ends_the_start_in_a_sentence(tmp_path: Path) -> None:
    for text in ("{", "{}"):
        report = tmp_path / "report.json"
        report.write_text(text)
        for done in (started("--like", str(report)), started(SIMULATOR_LIKE=str(report))):
            assert done.returncode == 1
            assert done.stdout == ""
            assert f"the simulator cannot start: {report}" in done.stderr
    assert "the simulator cannot start" in started("--like", str(tmp_path / "missing")).stderr


def test_the_command_starts_like_the_report_and_says_what_it_does_not_imitate(
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(REPORT))
    command = [sys.executable, "-m", "tools.simulator", "--like", str(report)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        ready = json.loads(process.stdout.readline())
        xporter = Xporter(ready["xporter_url"])
        rows = answers(xporter, xporter.school()).json()["students"]
        xporter.close()
        process.terminate()
        assert "13.17" in process.stderr.read()
        assert process.wait(10) == 0
    assert all(type(row["ID"]) is int for row in rows)
