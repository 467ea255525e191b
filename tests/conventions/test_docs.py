"""The pages in docs/ against the code, and the code's references against the pages."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import template
from tests.support.template import ROOT
from xporter_bridge.datasets.config import parse
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.watchdog.night import concurrent_pulls

FACTS = (ROOT / "docs/xporter-api.md").read_text(encoding="utf-8")
SECTIONS = set(re.findall(r"^(?:#+|\|) (?:Appendix )?(\d+(?:\.\d+)*|[A-C])\b", FACTS, re.MULTILINE))
CITATION = re.compile(
    r"xporter-api\.md((?:[\s,#]|\b(?:and|to|section|appendix|appendices)\b|\b\d+(?:\.\d+)*|\b[A-C]\b)*)"
)
PROTECTION = (ROOT / "docs/data-protection.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def sources(*suffixes: str) -> Iterator[Path]:
    folders = ("benchmarks", "clients", "docs", "examples", "functions", "layers", "tests", "tools")
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*"))):
        if path.suffix in suffixes and path != Path(__file__):
            yield path


# -- references


def test_every_section_that_is_cited_is_on_the_page_of_facts() -> None:
    cited = {
        (section, path.name)
        for path in sources(".py", ".md", ".toml", ".yaml", ".json")
        for found in CITATION.finditer(path.read_text(encoding="utf-8"))
        for section in re.findall(r"\d+(?:\.\d+)*|\b[A-C]\b", found[1])
    }
    assert len(cited) > 30
    assert {(section, name) for section, name in cited if section not in SECTIONS} == set()


def test_no_page_is_cited_that_the_repository_does_not_have() -> None:
    pages = {path.name for path in ROOT.glob("*.md")} | {path.name for path in sources(".md")}
    pages.add("index.md")  # `make docs` makes them, one for each folder that a page links
    cited = {
        (page, path.name)
        for path in sources(".py", ".md", ".toml", ".json")
        for page in re.findall(r"\b[a-z][a-z-]*\.md\b", path.read_text(encoding="utf-8"))
    }
    assert {(page, name) for page, name in cited if page not in pages} == set()


@pytest.mark.parametrize(
    "page",
    sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "examples/README.md"]),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = page.parent / file if file else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, link


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_test_that_the_data_protection_page_names_exists() -> None:
    named = re.findall(
        r"`((?:unit|integration|conventions|tools)/[\w/]+\.py)?(?:::(\w+))?`", PROTECTION
    )
    file = ""
    for path, test in named:
        file = path or file
        if path or test:
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert not test or f"def {test}(" in text, (file, test)


def test_a_section_of_the_readme_fits_on_two_screens() -> None:
    sections = re.split(
        r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert [text.splitlines()[0] for text in sections if len(text.splitlines()) > 80] == []


# -- what a reader pastes


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PROTECTION, re.DOTALL))
@pytest.mark.parametrize("profile", ["minimal", "all"])
def test_the_fields_of_the_page_are_xporters_and_the_configuration_loads(
    block: str, profile: str
) -> None:
    shipped = (ROOT / "layers/shared/xporter_bridge/datasets/datasets.toml").read_text(
        encoding="utf-8"
    )
    datasets = parse(shipped, block, profile)
    for name, entry in tomllib.loads(block)["datasets"].items():
        for key, is_stored in (("keep", True), ("leave_out", False)):
            for table, fields in entry.get(key, {}).items():
                dataset = datasets[name]
                assert set(fields) <= dataset.endpoint.tables[table].fields
                [kept] = ColumnPolicy(dataset, {}).without_dropped_columns(
                    table, [dict.fromkeys(sorted(fields), "x")]
                )
                assert set(kept) == (set(fields) if is_stored else set())


def test_the_table_of_concurrent_pulls_follows_from_its_formula() -> None:
    text = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    section = text.split("## How many pulls at a time")[1].split("\n## ")[0]
    head, _, *rows = re.findall(r"(?m)^\| (.+) \|$", section)
    seconds = [float(each) for each in re.findall(r"[\d.]+", head)]
    assert len(rows) == 7
    for row in rows:
        schools, *places = (int(cell.replace(",", "")) for cell in row.split(" | "))
        assert places == [concurrent_pulls(schools, each) for each in seconds]
    default = int(template.load()["Parameters"]["ConcurrentPulls"]["Default"])
    assert concurrent_pulls(10_000, 3) <= default < concurrent_pulls(15_000, 3)
