"""`python -m tools.site`: builds the site from the pages as they are, and checks every link."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.set_up import ROOT

CONFIGURATION = Path(__file__).with_name("mkdocs.yaml")
_MKDOCS = ROOT / ".tools" / "docs" / "bin" / "mkdocs"
_WORK = ROOT / ".local" / "site"
# What the pages link; at the same places relative to each other as in the repository.
_PAGES = ("*.md", "LICENSE", "docs/**/*", "examples/**/*", "clients/python/*.md")
_LINK = re.compile(r"\]\(([\w./-]+)\)")


def pages(root: Path) -> list[Path]:
    """Return the files of the site: the pages of the repository, and what they link."""
    found = {path for pattern in _PAGES for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def copy_pages(root: Path, copies: Path) -> None:
    """Copy the pages; a folder that a page links gets a list of its files, as on GitHub."""
    shutil.rmtree(copies, ignore_errors=True)
    for path in pages(root):
        copy = copies / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for page in sorted(copies.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for link, folder in _linked_folders(page, text):
            text = text.replace(f"]({link})", f"]({link.rstrip('/')}/index.md)")
            _list_files(folder)
        page.write_text(text, encoding="utf-8")


def build(copies: Path, output: Path) -> int:
    """Build, and return mkdocs's status; a link without a target, or a page without a place, fails.

    Not quietly: the strictness of mkdocs counts only the warnings that it prints.
    """
    paths = {"SITE_PAGES": str(copies), "SITE_OUTPUT": str(output)}
    settings = {
        **os.environ,
        **paths,
        "NO_MKDOCS_2_WARNING": "1",
    }  # of the theme: it names Zensical
    command = [str(_MKDOCS), "build", "--strict", "--config-file", str(CONFIGURATION)]
    return subprocess.run(command, env=settings, stdout=sys.stderr, check=False).returncode


def main() -> int:
    """Build into ``.local/site``, and print where to begin to read."""
    copies, output = _WORK / "pages", _WORK / "html"
    copy_pages(ROOT, copies)
    status = build(copies, output)
    if status == 0:
        print(output.relative_to(ROOT) / "index.html")
    return status


def _linked_folders(page: Path, text: str) -> Iterator[tuple[str, Path]]:
    for link in sorted(set(_LINK.findall(text))):
        if (page.parent / link).is_dir():
            yield link, page.parent / link


def _list_files(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != "index.md")
    listed = "".join(f"- [{name}]({name})\n" for name in names)
    (folder / "index.md").write_text(f"# {folder.name}\n\n{listed}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
