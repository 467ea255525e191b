"""A machine without npm or a JDK runs all other tests, and is told what it did not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.emulated_aws import FROM_NPM, SERVICES, emulators_of
from tools.emulators import installation
from tools.set_up import ROOT


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has Python and nothing else, as yet without emulators."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installation, "_STAMP", tmp_path / "installed")


def test_nothing_is_installed_without_npm_and_nothing_fails(
    bare: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert installation.main() == 0
    assert "without npm, node, a JDK, java" in capsys.readouterr().err


def test_the_contract_tests_leave_out_what_is_not_there(bare: None) -> None:
    assert installation.why_not() == "this machine lacks npm, node, a JDK, java"
    names = {str(getattr(each, "values", [each])[0]) for each in emulators_of("dynamodb")}
    assert names == {name for name in SERVICES if "dynamodb" in SERVICES[name]} - FROM_NPM


def test_a_run_ends_by_saying_what_it_left_out(tmp_path: Path) -> None:
    test = tmp_path / "test_nothing.py"
    test.write_text("def test_nothing() -> None:\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", str(test)]
    options = ["-p", "no:cacheprovider", "--confcutdir", str(tmp_path), "--rootdir", str(ROOT)]
    run = subprocess.run(
        [*command, *options, "-c", str(ROOT / "pyproject.toml")],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    said = "contract tests ran without dynamodb-local and s3rver: this machine lacks npm"
    assert said in run.stdout


def test_an_installation_of_another_lock_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stamp, made = tmp_path / "installed", list[bool]()
    monkeypatch.setattr(installation, "_STAMP", stamp)
    monkeypatch.setattr(installation, "missing_programs", str)

    def install() -> None:
        made.append(True)
        stamp.write_text(installation._fingerprint())

    monkeypatch.setattr(installation, "_install", install)
    for expected in (1, 1):
        assert installation.main() == 0
        assert len(made) == expected
    stamp.write_text("another lock's")
    assert installation.main() == 0
    assert len(made) == 2


def test_a_registry_that_does_not_answer_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installation, "_STAMP", tmp_path / "installed")
    monkeypatch.setattr(installation, "missing_programs", str)

    def install() -> None:
        raise subprocess.TimeoutExpired("npm", 300)

    monkeypatch.setattr(installation, "_install", install)
    assert installation.main() == 0
    assert "no second opinion on AWS" in capsys.readouterr().err
    assert installation.why_not()
