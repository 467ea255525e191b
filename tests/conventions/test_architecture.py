"""Which package may import which, and which modules are pure."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.template import ROOT, functions
from xporter_bridge.telemetry import METRICS

PACKAGE = ROOT / "layers/shared/xporter_bridge"
MODULES = sorted(PACKAGE.rglob("*.py"))
TOOLS = [path for name in ("tools", "benchmarks") for path in sorted((ROOT / name).rglob("*.py"))]
FUNCTIONS = sorted((ROOT / "functions").glob("*/*.py"))
HANDLERS = sorted((ROOT / "functions").glob("*/handler.py"))
SHIPPED = [*MODULES, *FUNCTIONS]

# Modules beside the packages, which every package may import. So may it the ``messages.py`` of any
# package: a message is how a subject is told something by another, and knows nothing itself.
FOUNDATION = {
    "errors",
    "timestamps",
    "settings",
    "telemetry",
    "exact_json",
    "casing",
    "dry_run",
    "messages",
}
# What a package may import beside the foundation. A package that is missing here fails the test.
ARROWS: dict[str, set[str]] = {
    "aws": set(),
    "audit": {"aws"},
    "xporter": set(),
    "callbacks": {"aws"},
    "events": {"aws"},
    "operations": {"aws"},
    "snapshots": {"aws"},
    "datasets": {"xporter"},
    "deployments": {"audit", "aws", "callbacks"},
    "entrypoints": set(),
    "schools": {"aws", "events", "xporter"},
    "pulls": {"aws", "callbacks", "events", "xporter", "datasets", "schools", "snapshots"},
    "ingestion": {"aws", "events", "xporter", "datasets", "schools", "snapshots", "pulls"},
    "availability": {
        "aws",
        "callbacks",
        "datasets",
        "operations",
        "pulls",
        "schools",
        "xporter",
    },
    "writebacks": {"audit", "aws", "callbacks", "events", "operations", "schools", "xporter"},
    "onboarding": {"aws", "callbacks", "datasets", "events", "pulls", "schools", "xporter"},
    "registrations": {"aws", "callbacks", "datasets", "pulls", "schools"},
    "erasure": {
        "audit",
        "aws",
        "events",
        "operations",
        "pulls",
        "schools",
        "snapshots",
        "writebacks",
        "xporter",
    },
    "rotation": {"audit", "aws", "callbacks", "schools"},
    "watchdog": {"aws", "datasets", "events", "operations", "pulls", "schools"},
}
# The read side reads every record and repository, and no queue.
ARROWS["api"] = {
    "audit", "availability", "datasets", "pulls", "schools", "snapshots", "writebacks", "xporter",
}  # fmt: skip

AWS = {"boto3", "botocore"}
HTTP = {"requests", "urllib3", "httpx", "aiohttp", "socket"}
CALLS_AWS = {"aws/clients", "aws/dynamodb", "aws/errors", "aws/s3", "aws/secrets_manager"}
CALLS_XPORTER = {"xporter/http"}
# Modules without AWS, HTTP, clock, log and environment, which import only modules of this set.
PURE = {
    "messages", "availability/messages", "erasure/messages", "onboarding/messages",
    "pulls/messages", "registrations/messages", "writebacks/messages",
    "errors", "timestamps", "exact_json", "settings", "dry_run",
    "api/attention", "api/export_views", "api/history_views", "api/inventory_views",
    "api/people_views", "audit/model", "api/presenters", "api/schemas",
    "availability/db_status", "availability/model", "availability/read_callback", "casing",
    "callbacks/bodies", "callbacks/request", "callbacks/signed_urls",
    "datasets/config", "datasets/date_placeholders", "datasets/hold_limits", "datasets/model",
    "datasets/on_request", "datasets/profile", "datasets/timetable",
    "deployments/model", "erasure/certificate", "erasure/tombstone", "events/model",
    "ingestion/columns", "ingestion/draft_manifest", "ingestion/page_file",
    "onboarding/payloads", "operations/model",
    "pulls/attempt", "pulls/attention", "pulls/contradiction", "pulls/failures", "pulls/freshness",
    "pulls/history",
    "pulls/change", "pulls/model", "pulls/noticed", "pulls/record",
    "registrations/model", "rotation/model",
    "schools/announced_end", "schools/attention", "schools/credentials", "schools/encryption",
    "schools/end", "schools/erased_people", "schools/history",
    "schools/model", "schools/people_form", "schools/refusal", "schools/states", "schools/trouble",
    "snapshots/blocks", "snapshots/compression", "snapshots/encode_rows", "snapshots/layout",
    "snapshots/cursor", "snapshots/manifest", "snapshots/merge", "snapshots/merge_by_row",
    "snapshots/parquet_columns", "snapshots/parquet_file", "snapshots/parquet_forms",
    "snapshots/row_changes", "snapshots/row_keys", "snapshots/thrift", "snapshots/union",
    "watchdog/night",
    "writebacks/match_conducts", "writebacks/match_marks", "writebacks/mis_values",
    "writebacks/model", "writebacks/read_callback",
    "writebacks/schemas", "writebacks/transitions", "writebacks/validation",
    "xporter/column_types",
    "xporter/endpoints", "xporter/envelopes", "xporter/gzip", "xporter/pages",
    "xporter/not_ready", "xporter/people", "xporter/retry_after", "xporter/scopes",
}  # fmt: skip
EFFECTFUL = {
    "entrypoints", "telemetry",
    "api/audit_views", "api/change_feed", "api/fleet_overview", "api/fleet_pages", "api/queries",
    "audit/trail", "erasure/audit", "rotation/dependencies", "writebacks/audit",
    "availability/accept", "availability/ask_xporter", "availability/repository",
    "availability/schedule", "availability/settle",
    "aws/clients", "aws/dynamodb", "aws/errors", "aws/kms", "aws/s3", "aws/secrets_manager",
    "aws/sqs", "callbacks/signing_keys", "deployments/check_version", "deployments/hooks",
    "deployments/versions", "onboarding/transit_encryption",
    "erasure/certificates", "erasure/clean_dataset", "erasure/dependencies", "erasure/end_school",
    "erasure/erase",
    "erasure/erase_people", "erasure/forget_dead_letters", "erasure/forget_operations",
    "erasure/pull_anew",
    "erasure/request_person", "erasure/rewrite_snapshot", "events/bus",
    "ingestion/dependencies", "ingestion/patience",
    "ingestion/build_sequence", "ingestion/built_sequence", "ingestion/collect_tables",
    "ingestion/commit", "ingestion/doubt", "ingestion/drift_reports", "ingestion/fetch",
    "ingestion/page_workers", "ingestion/pull_school", "ingestion/run",
    "ingestion/staged_leftovers", "ingestion/staged_pages",
    "onboarding/onboard", "onboarding/prove_secret", "onboarding/receive", "operations/repository",
    "pulls/change_index", "pulls/fleet_items", "pulls/fleet_notices", "pulls/hold",
    "pulls/note_trouble", "pulls/outbox",
    "pulls/plan", "pulls/publication", "pulls/reconcile",
    "availability/receive", "pulls/receive", "writebacks/receive",
    "pulls/breaker", "pulls/repository", "pulls/retention", "pulls/slots", "pulls/stored_form",
    "registrations/register",
    "registrations/schedule", "rotation/follow", "rotation/rotate", "rotation/take_step",
    "schools/outbox",
    "schools/repository", "schools/session", "schools/session_settings",
    "schools/state_index", "schools/trouble_index", "schools/vault",
    "ingestion/parquet", "snapshots/convert", "snapshots/store",
    "watchdog/ends", "watchdog/forecast_night", "watchdog/overdue", "watchdog/repository",
    "watchdog/sweep",
    "writebacks/accept", "writebacks/read_back", "writebacks/repository", "writebacks/send_attempt",
    "writebacks/settle", "writebacks/submit",
    "xporter/client", "xporter/http",
}  # fmt: skip
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


def package_of(module: str) -> str:
    """Return the package, or the module beside the packages, that a dotted name lies in."""
    return module.split(".")[1] if "." in module else ""


def is_message(module: str) -> bool:
    return module.endswith(".messages")


def dotted(path: Path) -> str:
    return ".".join(("xporter_bridge", *path.relative_to(PACKAGE).with_suffix("").parts))


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE).with_suffix(""))


@cache
def inner_imports(path: Path) -> frozenset[str]:
    """Return the modules of ours that the file imports."""
    known = {dotted(module) for module in MODULES}
    return frozenset(name for name in imports(path) if name in known)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    own = package_of(dotted(path))
    met = {package_of(name) for name in inner_imports(path) if not is_message(name)} - {own, ""}
    of_foundation = {"errors", "dry_run", "timestamps"}
    allowed = ARROWS.get(own, of_foundation if own in FOUNDATION else set())
    assert own in ARROWS or own in FOUNDATION | {"__init__"}
    assert not met - allowed - (FOUNDATION if own in ARROWS else set())


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/messages.py")), ids=named)
def test_messages_know_nothing_but_what_a_message_is(path: Path) -> None:
    assert inner_imports(path) == {"xporter_bridge.messages"}


def test_no_arrow_is_allowed_that_nobody_needs() -> None:
    needed: dict[str, set[str]] = {package: set() for package in ARROWS}
    for path in MODULES:
        own = package_of(dotted(path))
        if own in ARROWS:
            met = {package_of(name) for name in inner_imports(path) if not is_message(name)}
            needed[own] |= met - FOUNDATION - {own}
    assert needed == ARROWS


def test_a_package_holds_a_docstring_and_no_imports() -> None:
    for path in PACKAGE.glob("*/__init__.py"):
        (only,) = tree(path).body
        assert isinstance(only, ast.Expr), path


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_either_pure_or_effectful(path: Path) -> None:
    if path.name != "__init__.py":
        assert (short(path) in PURE) + (short(path) in EFFECTFUL) == 1


def test_the_sets_name_only_modules_that_exist() -> None:
    assert {short(path) for path in MODULES if path.name != "__init__.py"} == PURE | EFFECTFUL


@pytest.mark.parametrize("path", [p for p in MODULES if short(p) in PURE], ids=named)
def test_a_pure_module_knows_neither_aws_nor_http_nor_clock_nor_log(path: Path) -> None:
    assert not roots(path) & (AWS | HTTP | {"os", "logging", "aws_lambda_powertools"})
    assert not calls(path) & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "print"}
    effectful = {f"xporter_bridge.{name.replace('/', '.')}" for name in EFFECTFUL}
    assert not inner_imports(path) & effectful


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_one_place_calls_aws_and_one_calls_xporter(path: Path) -> None:
    # Its level, its namespace and the trace's id are the environment's, which nobody passes on.
    environment = set() if short(path) == "telemetry" else {"os"}
    assert not roots(path) & {"functions", "tools", "tests", *environment}
    assert not roots(path) & AWS or short(path) in CALLS_AWS
    assert not roots(path) & HTTP or short(path) in CALLS_XPORTER


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


@pytest.mark.parametrize("path", [*MODULES, *FUNCTIONS, *TOOLS], ids=named)
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
