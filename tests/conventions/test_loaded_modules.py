"""What importing a handler loads: a cold start pays for all of it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.support.template import ROOT

HANDLERS = {path.parent.name: path for path in sorted((ROOT / "functions").glob("*/handler.py"))}
CALL_XPORTER = {
    "onboard_school",
    "pull_dataset",
    "register_webhooks",
    "request_availability",
    "submit_writeback",
}


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the names that the file imports when it is loaded."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def file_of(module: str) -> Path | None:
    """Return the file of a module of ours."""
    folder = ROOT if module.startswith("functions.") else ROOT / "layers" / "shared"
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


@cache
def loaded(handler: Path) -> frozenset[str]:
    """Return every name that importing the handler imports, by whichever module of ours."""
    found: set[str] = set()
    files = [handler]
    while files:
        new = imported(files.pop()) - found
        found |= new
        files += [path for path in map(file_of, new) if path]
    return frozenset(found)


@pytest.mark.parametrize("function", HANDLERS)
def test_only_functions_that_call_xporter_load_requests(function: str) -> None:
    assert ("requests" in loaded(HANDLERS[function])) is (function in CALL_XPORTER)
