"""What GitHub runs and shows: workflows against the Makefile and the rules set here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.template import ROOT
from tools.release_notes import notes

GITHUB = ROOT / ".github"
WORKFLOWS = {
    path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    for path in sorted((GITHUB / "workflows").iterdir())
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"(?m)^([a-z]+):", MAKEFILE))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for workflow, content in WORKFLOWS.items():
        for name, job in content["jobs"].items():
            yield f"{workflow}/{name}", job


JOBS = dict(jobs())


def steps(job: str) -> list[dict[str, Any]]:
    return list(JOBS[job]["steps"])


def scripts(job: str) -> list[str]:
    return [step["run"] for step in steps(job) if "run" in step]


def test_there_are_three_workflows() -> None:
    assert set(WORKFLOWS) == {"test", "release", "deploy"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_nothing_but_what_a_job_says(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}


ALLOWED = {
    "deploy/deploy": {"contents": "read", "id-token": "write"},
    "release/publish": {"actions": "read", "contents": "write"},
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_only_read_the_code_unless_it_publishes_or_deploys(job: str) -> None:
    assert JOBS[job]["permissions"] == ALLOWED.get(job, {"contents": "read"})
    assert int(JOBS[job]["timeout-minutes"]) <= 120


@pytest.mark.parametrize("path", sorted((GITHUB / "workflows").iterdir()), ids=lambda p: p.stem)
def test_an_action_is_named_by_its_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"(?m)uses: (.+)$", path.read_text(encoding="utf-8"))
    assert used
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_an_action_has_one_version_in_all_workflows() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (GITHUB / "workflows").iterdir()]
    used = {each for text in texts for each in re.findall(r"(?m)uses: (.+)$", text)}
    assert len({each.partition("@")[0] for each in used}) == len(used)


@pytest.mark.parametrize("job", JOBS)
def test_the_code_is_taken_without_leaving_a_token_behind(job: str) -> None:
    taken = [step for step in steps(job) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in taken] == ["false"] * len(taken)


@pytest.mark.parametrize("job", JOBS)
def test_a_script_is_shell_and_takes_values_from_its_environment_alone(job: str) -> None:
    for script in scripts(job):
        assert "${{" not in script
        done = subprocess.run(
            ["bash", "-n"], input=script, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("job", JOBS)
def test_every_target_of_make_that_a_workflow_names_exists(job: str) -> None:
    for script in scripts(job):
        for line in re.findall(r"(?m)^\s*make (.+)$", script):
            wanted = {word for word in line.split() if "=" not in word}
            assert wanted <= TARGETS, line


def test_a_change_is_checked_tested_and_shown() -> None:
    every = [script for job in JOBS if job.startswith("test/") for script in scripts(job)]
    assert every == ["make check", "make docs", "make test", "make demo"]
    assert "pull_request_target" not in WORKFLOWS["test"]["on"]
    pythons = JOBS["test/test"]["strategy"]["matrix"]["python"]
    assert pythons[0] == re.search(r'requires-python = ">=(.+)"', project_text())[1]  # type: ignore[index]


def project_text() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


# -- deploy


def test_a_stage_is_deployed_in_the_environment_that_protects_it() -> None:
    offered = WORKFLOWS["deploy"]["on"]["workflow_dispatch"]["inputs"]["stage"]["options"]
    assert offered == ["test", "prod"]
    assert set(WORKFLOWS["deploy"]["on"]) == {"workflow_dispatch"}
    assert JOBS["deploy/deploy"]["environment"] == "${{ inputs.stage }}"
    assert WORKFLOWS["deploy"]["concurrency"]["cancel-in-progress"] == "false"


def test_nothing_is_installed_or_built_once_the_job_has_credentials_of_aws() -> None:
    names = [step.get("uses", step.get("run", "")) for step in steps("deploy/deploy")]
    (entered,) = [i for i, each in enumerate(names) if each.startswith("aws-actions/")]
    assert [script for script in names[entered + 1 :] if "make" in script] == []
    assert len(names) == entered + 2
    assert "sam deploy" in names[-1]
    assert steps("deploy/deploy")[entered]["with"] == {
        "role-to-assume": "${{ vars.AWS_ROLE_ARN }}",
        "aws-region": "${{ vars.AWS_REGION || 'eu-west-2' }}",
    }


def test_no_workflow_has_a_secret() -> None:
    for path in (GITHUB / "workflows").iterdir():
        assert "secrets." not in path.read_text(encoding="utf-8")


# -- release

PROJECT = '[project]\nversion = "1.2.3"\n'
CHANGES = (
    "# C\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-27\n\n### Added\n\n- A.\n\n## [1.2.2] - x\n"
)


def test_the_notes_of_a_release_are_those_of_its_version() -> None:
    assert notes("v1.2.3", PROJECT, CHANGES) == "### Added\n\n- A.\n"


@pytest.mark.parametrize(
    ("tag", "changes", "error"),
    [
        ("v1.2.4", CHANGES, "has the version 1.2.3"),
        ("1.2.3", CHANGES, "has the version 1.2.3"),
        ("v1.2.3", CHANGES.replace("1.2.3", "1.2.0"), "no section of 1.2.3"),
        ("v1.2.3", CHANGES.replace("### Added\n\n- A.", ""), "no section of 1.2.3"),
        ("v1.2.3", CHANGES.replace(" - 2026-11-27", ""), "no section of 1.2.3"),
    ],
)
def test_a_tag_that_is_no_release_is_refused(tag: str, changes: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        notes(tag, PROJECT, changes)


def test_a_release_runs_everything_that_must_hold_and_publishes_what_was_built() -> None:
    built = scripts("release/build")
    assert [each for each in built if each in {".ci/run", "make build dist"}] == [
        ".ci/run",
        "make build dist",
    ]
    assert JOBS["release/publish"]["needs"] == "build"
    assert not any("uses" in step for step in steps("release/publish"))


# -- issues


@pytest.mark.parametrize(
    "path", sorted((GITHUB / "ISSUE_TEMPLATE").iterdir()), ids=lambda p: p.stem
)
def test_what_is_asked_for_exists_and_no_secret_is_asked_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.stem in {"bug", "odd_answer"}:
        assert "**Never paste**" in text
    for page in re.findall(r"[\w/-]+\.md", text):
        assert (ROOT / page).is_file(), page


def test_the_updates_cover_every_folder_of_pinned_packages() -> None:
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    (pip,) = [each for each in updates if each["package-ecosystem"] == "pip"]
    tracked = {path.parent for path in ROOT.glob("*/**/requirements*.in")}
    tracked |= {path.parent for path in (ROOT / "requirements").glob("*.in")}
    folders = {f"/{path.relative_to(ROOT)}" for path in tracked if ".tools" not in path.parts}
    assert set(pip["directories"]) == folders
