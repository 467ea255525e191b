"""What `sam build` made, invoked by AWS's own runtime client with nothing beside it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lambda_runtime import invoke
from tools.set_up import ROOT
from tools.stack.build import built_for_this_machine

FUNCTIONS = sorted(handler.parent.name for handler in ROOT.glob("functions/*/handler.py"))

pytestmark = pytest.mark.xdist_group("built functions")


@pytest.fixture(scope="module")
def build() -> Iterator[Path]:
    with built_for_this_machine(sys.stderr.buffer) as template:
        yield template.parent


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_needs_nothing_but_its_layers(build: Path, function: str) -> None:
    kind, report = invoke(build, function, {}, environment={})
    imports = ("ImportError", "ModuleNotFoundError", "Runtime.ImportModuleError")
    assert kind in {"response", "error"}, report
    assert not isinstance(report, dict) or report.get("errorType") not in imports, report


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_holds_its_own_folder_and_nothing_else(build: Path, function: str) -> None:
    logical_id = "".join(word.title() for word in function.split("_")) + "Function"
    artifact = build / logical_id
    shipped = {
        path.relative_to(artifact).parts[:2] for path in artifact.rglob("*") if path.is_file()
    }
    assert shipped == {("functions", function)}


def test_the_layers_hold_no_tests_and_no_bytecode(build: Path) -> None:
    for layer in ("SharedLayer", "DependenciesLayer"):
        names = {part for path in (build / layer).rglob("*") for part in path.parts}
        assert not names & {"tests", "__pycache__"}
