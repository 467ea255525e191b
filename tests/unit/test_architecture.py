"""The arrows between packages: functions -> use cases -> pure modules <- adapters."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.template import ROOT, functions
from xporter_bridge.telemetry import METRICS

PACKAGE = ROOT / "layers/shared/xporter_bridge"
PURE = sorted(PACKAGE.glob("*.py"))
USE_CASES = sorted((PACKAGE / "use_cases").glob("*.py"))
ADAPTERS = sorted((PACKAGE / "adapters").glob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").glob("*/*.py"))
HANDLERS = sorted((ROOT / "functions").glob("*/handler.py"))
SHIPPED = [*PURE, *USE_CASES, *ADAPTERS, *FUNCTIONS]

AWS = {"boto3", "botocore"}
HTTP = {"requests", "urllib3", "httpx", "aiohttp", "socket"}
# What turns the outside into calls; the edge may know how logs and metrics are written.
EDGE = {"entrypoints", "telemetry"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "misc", "util", "helper"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


@cache
def imports(path: Path) -> frozenset[str]:
    """Return every module that the file imports, those inside functions too."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@cache
def calls(path: Path) -> frozenset[str]:
    """Return what the file calls, as it is written there."""
    return frozenset(ast.unparse(node.func) for node in nodes(path) if isinstance(node, ast.Call))


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PURE, ids=named)
def test_a_pure_module_knows_neither_aws_nor_http_nor_the_environment(path: Path) -> None:
    assert not roots(path) & (AWS | HTTP | {"os", "functions", "tools", "tests"})
    inner = {name for name in imports(path) if name.startswith("xporter_bridge.")}
    assert not {name for name in inner if name.split(".")[1] in {"adapters", "use_cases"}}


@pytest.mark.parametrize("path", [p for p in PURE if p.stem not in EDGE], ids=named)
def test_a_pure_module_neither_logs_nor_reads_the_clock(path: Path) -> None:
    assert "telemetry" not in {name.rpartition(".")[2] for name in imports(path)}
    assert not calls(path) & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "print"}


@pytest.mark.parametrize("path", USE_CASES, ids=named)
def test_a_use_case_takes_its_adapters_as_arguments(path: Path) -> None:
    assert not roots(path) & (AWS | HTTP | {"os", "functions", "tools", "tests"})
    assert "xporter_bridge.adapters.clients" not in imports(path)
    assert not calls(path) & {"datetime.now", "date.today", "time.time", "client"}


@pytest.mark.parametrize("path", ADAPTERS, ids=named)
def test_an_adapter_knows_pure_modules_alone(path: Path) -> None:
    assert not roots(path) & {"functions", "tools", "tests", "os"}
    assert not any(name.startswith("xporter_bridge.use_cases") for name in imports(path))


@pytest.mark.parametrize("path", FUNCTIONS, ids=named)
def test_a_function_knows_no_other_function(path: Path) -> None:
    own = f"functions.{path.parent.name}"
    for name in imports(path):
        assert not name.startswith("functions") or f"{name}.".startswith(f"{own}.")
    assert not roots(path) & (AWS | HTTP | {"tools", "tests"})


@pytest.mark.parametrize("path", HANDLERS, ids=named)
def test_a_handler_is_short_and_says_what_triggers_it(path: Path) -> None:
    (handler,) = (
        node
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name == "lambda_handler"
    )
    assert ast.get_docstring(handler)
    assert (handler.end_lineno or 0) - handler.lineno < 25


@pytest.mark.parametrize("path", HANDLERS, ids=named)
def test_importing_a_handler_reads_no_environment_and_opens_no_client(path: Path) -> None:
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.ClassDef):
            continue
        assert not any(isinstance(part, ast.Call) for part in ast.walk(node)) or (
            "environ" not in ast.unparse(node) and "client(" not in ast.unparse(node)
        )


@pytest.mark.parametrize("path", [*PURE, *USE_CASES, *ADAPTERS], ids=named)
def test_a_module_is_small_and_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert _lines(node) <= 40, node.name


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has beside its docstring."""
    first = function.body[1] if ast.get_docstring(function) and function.body[1:] else function
    return (function.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("path", SHIPPED, ids=named)
def test_every_module_says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(tree(path))


def test_every_folder_of_functions_is_deployed_and_nothing_else() -> None:
    assert {path.parent.name for path in HANDLERS} == set(functions())


# -- metrics


def counted() -> Iterator[tuple[Path, ast.expr]]:
    """Yield the name that each call of ``telemetry.count`` emits."""
    for path in SHIPPED:
        for node in nodes(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "telemetry.count":
                yield path, node.args[0]


def test_every_metric_is_emitted_by_its_literal_name() -> None:
    assert [ast.unparse(name) for _, name in counted() if not isinstance(name, ast.Constant)] == []


def test_exactly_the_listed_metrics_are_emitted() -> None:
    emitted = {name.value for _, name in counted() if isinstance(name, ast.Constant)}
    assert emitted == set(METRICS)


def test_no_dimension_is_a_school() -> None:
    assert {dimension for _, dimension in METRICS.values()}.isdisjoint({"Estab", "School", "Id"})
