"""Words that the code does not use, sizes that it keeps to, and no import circle."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.template import ROOT

SOURCES = [
    ("layers/shared", "xporter_bridge"),
    ("clients/python", "xporter_bridge_client"),
    (".", "functions"),
    (".", "tools"),
    (".", "examples"),
]
FILES = {
    path: path.relative_to(ROOT / base)
    for base, package in SOURCES
    for path in sorted((ROOT / base / package).rglob("*.py"))
}
# Private pictures of earlier versions, each with the word that the field has for it.
WORDS = {
    "desk": "dependencies",
    "crew": "worker pool",
    "beat": "heartbeat",
    "beating": "heartbeat",
    "turn": "slot, lease",
    "turns": "maps, encodes",
    "round": "sweep",
    "noticing": "drift report",
    "showing": "presenters",
    "asking": "request",
    "gathering": "collect",
    "announcing": "outbox",
    "labour": "worker",
}
# The function of Python, and what Python's documentation calls a way there and back.
ALLOWED = re.compile(r"\bround\(|round-trip")
# Subjects whose name the customer uses, and a term for upper and lower case.
NOUNS = {"casing", "ingestion", "onboarding"}
MAX_FUNCTION_LINES = 40
MAX_MODULE_LINES = 300


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_private_picture_is_left_in_code(path: Path) -> None:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = re.sub(r"([a-z])([A-Z])", r"\1 \2", ALLOWED.sub("", line))
        words = set(re.findall(r"[a-z]+", text.casefold()))
        found += [f"{number}: {word}, say {WORDS[word]}" for word in words & set(WORDS)]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_module_is_small_and_its_name_is_no_gerund(path: Path) -> None:
    names = set(path.relative_to(ROOT).with_suffix("").parts) - NOUNS
    assert not [name for name in names if name.endswith("ing")]
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node
            assert (node.end_lineno or 0) - first.lineno < MAX_FUNCTION_LINES, node.name


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for the type checker alone count: a reader follows them too."""
    names = {
        ".".join(part for part in inner.with_suffix("").parts if part != "__init__"): path
        for path, inner in FILES.items()
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        met = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                met |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = absolute(name, node, is_package=path.name == "__init__.py")
                inner = {f"{module}.{alias.name}" for alias in node.names}
                met |= (inner & set(names)) or {module}
        graph[name] = met & set(names) - {name}
    assert len(graph) > 100
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def absolute(name: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    """Return the module that is imported from, also where it is named relatively."""
    if not node.level:
        return str(node.module)
    parts = name.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)
