"""`xporter-bridge probe` against the simulator, which is as assumed, and against one that lies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.builders import ESTAB, RELYING_PARTY
from tests.support.template import ROOT
from tests.support.xporter import Xporter
from tools.operator.errors import Exit
from tools.operator.main import main

PAGE = (ROOT / "docs/xporter-api.md").read_text(encoding="utf-8")


@pytest.fixture
def secret(xporter: Xporter, monkeypatch: pytest.MonkeyPatch) -> str:
    made = xporter.school(students=60)
    monkeypatch.setenv("XPORTER_SECRET", made)
    return made


def probe(xporter: Xporter, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    status = main(
        ["probe", "--estab", ESTAB, "--relying-party", RELYING_PARTY, "--xporter-url", xporter.url,
         "--json"]
    )  # fmt: skip
    text = capsys.readouterr().out
    return status, json.loads(text), text


def verdicts(report: Any, verdict: str) -> set[str]:
    return {each["number"] for each in report["assumptions"] if each["verdict"] == verdict}


def test_the_simulator_confirms_all_that_can_be_seen(
    xporter: Xporter, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, report, text = probe(xporter, capsys)
    assert verdicts(report, "contradicted") == set()
    assert verdicts(report, "confirmed") == {
        "2.2", "2.3", "2.5", "5.2", "5.3", "5.4", "5.5", "13.7", "13.12", "13.14", "13.15", "13.16",
        "13.17", "13.22", "13.23",
    }  # fmt: skip
    assert status == Exit.DONE
    assert report["shapes"]["Students"]["Id"] == ["text"]
    assert secret not in text
    for row in xporter.control("GET", f"schools/{ESTAB}/truth/Students"):
        assert row["Surname"] not in text
        assert row["Id"] not in text


def test_three_lies_are_named_and_nothing_else(
    xporter: Xporter, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    xporter.set_faults(
        {"kind": "odd_meta", "value": "2026-11-24T02:14:47Z"},
        {"kind": "odd_count", "column": "RowCount", "value": 999},
        {"kind": "odd_answer", "status": 404, "body": "{}", "path": "NoSuchResource"},
    )
    status, report, _ = probe(xporter, capsys)
    assert verdicts(report, "contradicted") == {"13.17", "5.4", "13.15"}
    assert status == Exit.FOUND


def test_a_probe_writes_and_registers_nothing(
    xporter: Xporter, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    probe(xporter, capsys)
    asked = xporter.control("GET", "requests")["requests"]
    methods = {(each["method"], each["path"].partition("/School/")[0]) for each in asked}
    assert {method for method, _ in methods} == {"GET", "POST"}
    assert {path for method, path in methods if method == "POST"} == {"/api/oauth/GetToken"}
    assert len(asked) < 15


def test_a_secret_that_is_refused_ends_the_probe_in_a_sentence(
    xporter: Xporter, secret: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("XPORTER_SECRET", "another")
    arguments = ["probe", "--estab", ESTAB, "--relying-party", RELYING_PARTY, "--xporter-url"]
    assert main([*arguments, xporter.url]) == Exit.FOUND
    shown = capsys.readouterr().err
    assert "issued no token" in shown
    assert "another" not in shown
    assert main([*arguments, "http://xporter.example"]) == Exit.WRONG_USE


def test_every_numbered_question_of_the_page_is_in_the_report(
    xporter: Xporter, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report, _ = probe(xporter, capsys)
    open_questions = set(re.findall(r"^\| (13\.\d+) \|", PAGE, re.MULTILINE))
    assert open_questions <= {each["number"] for each in report["assumptions"]}
