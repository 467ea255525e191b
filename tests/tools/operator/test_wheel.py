"""The command line as a package of its own, for machines without this repository."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tools.operator.main import COMMANDS

PACKAGE = ROOT / "tools/operator"
MODULES = sorted(PACKAGE.rglob("*.py"))
# The name of an import where it is not that of the package.
IMPORTED = {"yaml": "pyyaml", "botocore": "boto3", "urllib3": "requests"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_the_wheel_brings_or_needs(path: Path) -> None:
    """So nothing of the application, and nothing of the other tools."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    needed = {each.partition(">")[0] for each in project["dependencies"]}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    others = {IMPORTED.get(name, name) for name in found} - needed
    assert others <= set(sys.stdlib_module_names)


def test_every_command_is_where_the_table_says() -> None:
    for place in COMMANDS.values():
        module, _, name = place.partition(":")
        text = (PACKAGE / "commands" / f"{module}.py").read_text(encoding="utf-8")
        assert f"def {name}(" in text
