"""`make docs`: every page has its place on the site, and reads there as it does on GitHub."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.template import ROOT
from tools.site.__main__ import CONFIGURATION, copy_pages, pages

MARKDOWN = [path for path in pages(ROOT) if path.suffix == ".md"]


class _Loader(yaml.SafeLoader):
    """Reads the configuration without what only mkdocs can make of its tags."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)
SETTINGS: dict[str, Any] = yaml.load(CONFIGURATION.read_text(encoding="utf-8"), _Loader)


def placed(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    entries = entry.values() if isinstance(entry, dict) else entry
    return [page for each in entries for page in placed(each)]


def test_every_page_has_its_place_on_the_site() -> None:
    listed = placed(SETTINGS["nav"])
    assert sorted(listed) == sorted(str(path.relative_to(ROOT)) for path in MARKDOWN)


def test_a_broken_link_or_anchor_fails_the_build() -> None:
    checks = [value for group in SETTINGS["validation"].values() for value in group.values()]
    assert len(checks) == 7
    assert set(checks) == {"warn"}
    code = (CONFIGURATION.parent / "__main__.py").read_text(encoding="utf-8")
    assert '"--strict"' in code
    assert "--quiet" not in code  # mkdocs would count no warning


def test_the_site_asks_no_other_server_for_anything() -> None:
    assert SETTINGS["theme"]["font"] == "false" or SETTINGS["theme"]["font"] is False
    # With a fence of its own, the theme loads mermaid from elsewhere.
    assert "custom_fences" not in CONFIGURATION.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_item_of_a_list_begins_with_code(page: Path) -> None:
    """Python's Markdown, which makes the site, takes such a fence for words."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\s*(?:-|\d+\.) ```.*$", text) == []


def test_a_folder_that_a_page_links_gets_a_list_of_its_files(tmp_path: Path) -> None:
    root, copies = tmp_path / "root", tmp_path / "copies"
    (root / "docs" / "events").mkdir(parents=True)
    (root / "docs" / "events" / "a.json").write_text("{}")
    (root / "docs" / "data.md").write_text("See [events](events) and [x](api.md).\n")
    (root / "docs" / "api.md").write_text("No [events](#events).\n")
    (root / "tools").mkdir()
    (root / "tools" / "trial.md").write_text("not a page")
    copy_pages(root, copies)
    assert (copies / "docs" / "data.md").read_text() == (
        "See [events](events/index.md) and [x](api.md).\n"
    )
    assert "- [a.json](a.json)" in (copies / "docs" / "events" / "index.md").read_text()
    assert not (root / "docs" / "events" / "index.md").exists()
    assert not (copies / "tools").exists()
    (root / "docs" / "data.md").unlink()
    copy_pages(root, copies)
    assert not (copies / "docs" / "data.md").exists()
