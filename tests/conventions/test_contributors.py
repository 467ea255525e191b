"""CONTRIBUTING.md, CHANGELOG.md and SECURITY.md against the repository."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.template import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
HEADINGS = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
RELEASED = [heading for heading in HEADINGS if heading != "[Unreleased]"]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def released(heading: str) -> tuple[int, ...]:
    found = re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", heading)
    assert found, heading
    return tuple(map(int, found.groups()))


# -- the changelog and the version


def test_the_newest_heading_of_the_changelog_is_the_version_or_unreleased() -> None:
    assert re.fullmatch(rf"\[Unreleased\]|\[{re.escape(VERSION)}\] - .+", HEADINGS[0])


def test_releases_are_semantic_versions_with_their_day_newest_first() -> None:
    versions = [released(heading) for heading in RELEASED]
    assert versions == sorted(set(versions), reverse=True)
    current = tuple(map(int, VERSION.split(".")))
    assert [version for version in versions if version > current] == []


def test_the_changelog_sorts_changes_as_keep_a_changelog_does() -> None:
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= KINDS


def test_the_version_stands_in_one_place() -> None:
    holders = [
        path.name
        for folder in ("functions", "layers", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"\b__version__\b|\bVERSION = ", path.read_text(encoding="utf-8"))
    ]
    assert holders == []
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert "SemanticVersion" not in template


# -- the checklists


def test_there_is_a_checklist_for_whatever_is_added_again_and_again() -> None:
    sections = re.split(r"^## ", CONTRIBUTING, flags=re.MULTILINE)
    checklists = {text.splitlines()[0] for text in sections if "\n- [ ] " in text}
    assert checklists == {
        "Add a dataset",
        "Add an endpoint of Xporter",
        "Add a callback kind",
        "Add a command",
        "Add an alarm",
        "Add a widget to the dashboard",
    }


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_path_that_a_page_for_contributors_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {
        path
        for path in re.findall(r"[\w./-]+", text)
        if re.match(r"(benchmarks|docs|events|functions|layers|tests|tools)/[\w]", path)
    }
    assert len(named) > 3
    assert [path for path in sorted(named) if not exists(path.rstrip("."))] == []


def exists(path: str) -> bool:
    # A path with an ellipsis in it, such as functions/receive_…, ends there.
    return Path(ROOT, path).exists() or path.endswith("_")
