"""That an audit that audited nothing says so, and is never taken for a clean one."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.supply_chain import audit

CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLE = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}
OFFLINE = "requests.exceptions.ConnectionError: Failed to resolve"


@pytest.fixture
def pip_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "pip-audit"
    monkeypatch.setattr(audit, "_PIP_AUDIT", program)
    return program


def says(program: Path, output: str, errors: str = "", status: int = 0) -> None:
    program.write_text(f"#!/bin/sh\necho '{output}'\necho '{errors}' >&2\nexit {status}\n")
    program.chmod(0o755)


def test_no_known_vulnerability_passes() -> None:
    assert audit.judged([CLEAN]) == (
        0,
        "No vulnerability is known of the 1 packages that were audited.",
    )


def test_a_known_vulnerability_fails_and_says_what_mends_it() -> None:
    status, sentence = audit.judged([CLEAN, HOLE, UNKNOWN])
    assert (status, sentence) == (1, "Known vulnerabilities: b 2 has PYSEC-1, mended in 3")


def test_a_package_that_alone_is_not_known_fails() -> None:
    assert audit.judged([CLEAN, UNKNOWN])[0] == 1


def test_a_service_that_knows_no_package_has_audited_nothing() -> None:
    assert audit.judged([UNKNOWN]) == (0, audit.NOTHING)


def test_without_the_network_nothing_is_audited_and_nothing_fails(pip_audit: Path) -> None:
    says(pip_audit, "", OFFLINE, 1)
    assert audit.audit(["a.txt"]) == (0, audit.NOTHING)


def test_a_service_that_does_not_answer_counts_as_no_network(
    pip_audit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_TIMEOUT_SECONDS", 0.01)
    pip_audit.write_text("#!/bin/sh\nexec sleep 5\n")
    pip_audit.chmod(0o755)
    assert audit.audit(["a.txt"]) == (0, audit.NOTHING)


def test_any_other_failure_fails(pip_audit: Path) -> None:
    says(pip_audit, "", "the lock cannot be read", 1)
    assert audit.audit(["a.txt"]) == (2, "The audit of a.txt failed: the lock cannot be read")


def test_every_lock_is_audited_and_the_worst_decides(
    pip_audit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    answers = iter(('{"dependencies": []}', json.dumps({"dependencies": [HOLE]})))

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, next(answers), "")

    monkeypatch.setattr(subprocess, "run", run)
    assert audit.audit(["a.txt", "b.txt"])[0] == 1
    assert [Path(command[-1]).name for command in commands] == ["a.txt", "b.txt"]
