"""Checks the files of a company's folder; the folder has one or both of them."""

from collections.abc import Iterator
from pathlib import Path

from tools.company import datasets, stages
from tools.company.findings import Finding
from tools.operator.template_yaml import read_template
from tools.set_up import ROOT

_KNOWN = (stages.FILE, datasets.FILE)


def check(path: Path) -> list[Finding]:
    """Return what is wrong with a file or with the files of a folder, by file and line.

    Raises:
        OSError: It cannot be read.
    """
    path.stat()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [finding for file in files for finding in _check_file(file)]
    if not any(file.name in _KNOWN for file in files):
        says = f"There is neither {' nor '.join(_KNOWN)}."
        found.append(Finding(path.name, 1, says, "docs/parameters.md says what they hold."))
    return sorted(found, key=lambda each: (each.file, each.line, each.says))


def _check_file(file: Path) -> Iterator[Finding]:
    if file.name == stages.FILE:
        yield from stages.check_stages(_text(file), read_template(ROOT / "template.yaml"))
    elif file.name == datasets.FILE:
        yield from datasets.check_datasets(_text(file))
    elif file.suffix == ".toml":
        says, do = "Doubtful: no command reads this file.", f"The names are {' and '.join(_KNOWN)}."
        yield Finding(file.name, 1, says, do, wrong=False)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
