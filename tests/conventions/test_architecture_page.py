"""The map of the code in docs/architecture.md against the code."""

import re
from pathlib import Path

import pytest

from tests.conventions.test_architecture import ARROWS, FOUNDATION, PACKAGE, imports
from tests.support.template import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SECTIONS = {
    found[0]: found[1]
    for found in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
WAYS = {title: text for title, text in SECTIONS.items() if " callback" in title}
(DATABASE,) = (title for title in WAYS if title.startswith("A database callback"))
MAX_FILES = 25


def steps(way: str) -> list[str]:
    """Return the files of a way, in the order in which they are read."""
    return re.findall(r"^\d+\. `([\w/]+\.py)`: ", WAYS[way], re.MULTILINE)


def file_of(step: str) -> Path:
    return (ROOT if step.startswith("functions/") else PACKAGE) / step


def module_of(step: str) -> str:
    dotted = step.removesuffix(".py").replace("/", ".")
    return dotted if step.startswith("functions/") else f"xporter_bridge.{dotted}"


def drawn() -> set[tuple[str, str]]:
    lines = re.findall(r"^  (\w+) --> (.+)$", SECTIONS["Arrows"], re.MULTILINE)
    return {(start, end) for start, ends in lines for end in ends.split(" & ")}


def reachable(start: str, *, without: str) -> set[str]:
    """Return where arrows lead from a package, without passing another one."""
    found, left = set(), [start]
    while left:
        package = left.pop()
        if package not in found and package != without:
            found.add(package)
            left += ARROWS[package]
    return found


def not_implied() -> set[tuple[str, str]]:
    """Return the arrows that do not follow from others."""
    return {
        (start, end)
        for start, ends in ARROWS.items()
        for end in ends
        if not any(end in reachable(other, without=start) for other in ends - {end})
    }


# -- packages and arrows


def test_the_table_has_every_package_with_its_arrows() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \|(.*)\|$", SECTIONS["Packages"], re.MULTILINE)
    assert {package: set(re.findall(r"\w+", arrows)) for package, arrows in rows} == ARROWS


def test_the_picture_has_every_arrow_that_does_not_follow_from_others() -> None:
    assert drawn() == not_implied()


def test_the_page_names_the_whole_foundation() -> None:
    introduction = PAGE[: PAGE.index("## Packages")]
    assert set(re.findall(r"`(\w+)`", introduction)) == FOUNDATION


# -- the way of each callback


def test_there_is_a_way_for_every_receiver() -> None:
    receivers = {f"functions/{path.name}/handler.py" for path in ROOT.glob("functions/receive_*")}
    assert {steps(way)[0] for way in WAYS} == receivers


@pytest.mark.parametrize("way", WAYS)
def test_every_file_of_a_way_exists_and_stands_there_once(way: str) -> None:
    files = steps(way)
    assert [step for step in files if not file_of(step).is_file()] == []
    assert len(files) == len(set(files))
    assert [f"{number}." for number in range(1, len(files) + 1)] == re.findall(
        r"^\d+\.", WAYS[way], re.MULTILINE
    )


@pytest.mark.parametrize("way", WAYS)
def test_every_file_of_a_way_is_imported_by_an_earlier_one(way: str) -> None:
    files = steps(way)
    for position, step in enumerate(files):
        met = {name for earlier in files[:position] for name in imports(file_of(earlier))}
        assert step.endswith("/handler.py") or module_of(step) in met, step


def test_a_database_callback_is_followed_in_few_files_and_one_package_per_subject() -> None:
    files = steps(DATABASE)
    assert len(files) <= MAX_FILES
    packages = {step.split("/")[0] for step in files if "/" in step} - {"functions"}
    said = re.search(r"Packages met:\s+(.+?)\.\n", WAYS[DATABASE], re.DOTALL)
    assert said
    assert set(re.findall(r"`(\w+)`", said[1])) == packages


def test_the_way_of_a_database_callback_ends_where_latest_json_is_written() -> None:
    last = file_of(steps(DATABASE)[-1]).read_text(encoding="utf-8")
    publication = file_of("pulls/publication.py").read_text(encoding="utf-8")
    assert "def replace_manifest(" in last
    assert re.search(r"\.replace_manifest\(\w+\.latest\b", publication)
