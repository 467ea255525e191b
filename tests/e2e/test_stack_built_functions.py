"""What `sam build` made, invoked by AWS's own runtime client with nothing beside it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from tests.e2e.lambda_runtime import PYTHON, invoke
from tools.set_up import ROOT
from tools.stack.build import built_for_this_machine
from tools.supply_chain.contents import digest_of
from tools.supply_chain.notice import NOTICE

FUNCTIONS = sorted(handler.parent.name for handler in ROOT.glob("functions/*/handler.py"))

# The flags of a .pyc file (PEP 552): its name is a hash (1), and nobody need compare it (not 2).
HASH_THAT_IS_NOT_CHECKED = (1).to_bytes(4, "little")
COMPILED_WHILE_IMPORTED = """
import importlib, sys
from importlib.machinery import SourceFileLoader

compiled = SourceFileLoader.source_to_code

def noted(self, data, path, **options):
    print(path)
    return compiled(self, data, path, **options)

SourceFileLoader.source_to_code = noted
importlib.import_module(sys.argv[1])
"""

pytestmark = pytest.mark.xdist_group("stack")


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


def test_the_layers_hold_no_tests(build: Path) -> None:
    for layer in ("SharedLayer", "DependenciesLayer"):
        assert "tests" not in {part for path in (build / layer).rglob("*") for part in path.parts}


def test_a_build_does_not_hold_the_path_of_this_clone(build: Path) -> None:
    artifacts = [path for path in build.rglob("*/**/*") if path.is_file()]
    assert [path for path in artifacts if str(ROOT).encode() in path.read_bytes()] == []


def test_a_build_has_the_notice_of_what_it_holds_and_its_digests_in_the_bill(build: Path) -> None:
    bill = json.loads((build / "sbom.cdx.json").read_bytes())
    stated = {each["name"]: each["value"] for each in bill["metadata"]["component"]["properties"]}
    notice = (build / "DependenciesLayer" / NOTICE).read_text(encoding="utf-8")
    assert all(f"\n{each['name']} {each['version']}: " in notice for each in bill["components"])
    for folder in (path for path in build.iterdir() if path.is_dir()):
        assert stated[f"xporter-bridge:sha256:{folder.name}"] == digest_of(folder)


def test_every_module_ships_with_bytecode_that_nobody_checks_against_its_source(
    build: Path,
) -> None:
    sources = list(build.rglob("*.py"))
    assert len(sources) > 500
    for source in sources:
        compiled = Path(cache_from_source(str(source)))
        magic, flags = compiled.read_bytes()[:4], compiled.read_bytes()[4:8]
        assert magic == MAGIC_NUMBER, source
        assert flags == HASH_THAT_IS_NOT_CHECKED, source


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_cold_start_compiles_nothing(build: Path, function: str) -> None:
    logical_id = "".join(word.title() for word in function.split("_")) + "Function"
    layers = [build / name / "python" for name in ("SharedLayer", "DependenciesLayer")]
    done = subprocess.run(
        [PYTHON, "-c", COMPILED_WHILE_IMPORTED, f"functions.{function}.handler"],
        cwd=build / logical_id,
        env={"PYTHONPATH": ":".join(map(str, layers)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [path for path in done.stdout.splitlines() if str(build) in path] == []
