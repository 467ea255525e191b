"""What importing a handler loads: a cold start pays for all of it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
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


# What the smallest functions may load of the layer: one that only reads an index and sends
# messages, and one that only records an outcome.
MAX_MODULES = {"schedule_registrations": 16, "settle_writeback": 26}


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


def ours(function: str) -> set[str]:
    """Return the modules of the layer that a function loads."""
    return {name for name in loaded(HANDLERS[function]) if file_of(name)} - {
        name for name in loaded(HANDLERS[function]) if name.startswith("functions.")
    }


@pytest.mark.parametrize(("function", "most"), MAX_MODULES.items())
def test_a_small_function_loads_few_modules_of_ours(function: str, most: int) -> None:
    assert len(ours(function)) <= most, sorted(ours(function))


@pytest.mark.parametrize("function", [name for name in HANDLERS if name.startswith("receive_")])
def test_a_receiver_loads_no_library_that_storing_a_callback_does_not_need(function: str) -> None:
    roots = {name.split(".")[0] for name in loaded(HANDLERS[function])}
    # The authentication callback alone is checked against a model.
    assert ("pydantic" in roots) is (function == "receive_authentication")
    assert not roots & {"cryptography", "requests", "urllib3", "boto3"}


def test_what_is_counted_is_what_python_loads() -> None:
    """Importing a package's module in a fresh interpreter loads what was found in the source."""
    code = (
        "import sys, functions.schedule_registrations.handler\n"
        "found = [m for m, it in sys.modules.items() if m.startswith('xporter_bridge.')"
        " and not it.__file__.endswith('__init__.py')]\n"
        "print(*sorted(found))"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "layers/shared")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": paths},
    )
    assert set(done.stdout.split()) == ours("schedule_registrations")


@pytest.mark.parametrize("function", HANDLERS)
def test_only_functions_that_call_xporter_load_requests(function: str) -> None:
    assert ("requests" in loaded(HANDLERS[function])) is (function in CALL_XPORTER)
