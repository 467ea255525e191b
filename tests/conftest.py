"""Fixtures shared by all tests: AWS in memory, and Xporter on a port of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from moto import mock_aws

from tests.support import permissions
from tests.support.aws_calls import AwsCalls, watched_calls
from tests.support.emulated_aws import FROM_NPM
from tests.support.moto_cloud import REGION, Cloud
from tests.support.xporter import Xporter
from tools.emulators.installation import why_not
from tools.simulator.http.server import RunningSimulator
from tools.simulator.service.application import Application

# Code that runs outside of a function counts too; the template gives every function its own.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "tests"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a run whose groups are ignored: each worker would make each group's world.

    pytest-xdist hands out tests by the group at the end of the test's id, which a version of
    pytest that does not fit leaves out in silence.

    Raises:
        pytest.UsageError: A test of a group has no group in its id.
    """
    if not getattr(session.config.option, "loadgroup", False):
        return
    grouped = [each for each in session.items if each.get_closest_marker("xdist_group")]
    ignored = [each.nodeid for each in grouped if each.nodeid == plain_id(each.nodeid)]
    if ignored:
        raise pytest.UsageError(f"pytest-xdist ignores the groups of {len(ignored)} tests")


def plain_id(nodeid: str) -> str:
    """Return the id of a test without the group that pytest-xdist has appended."""
    plain, _, _ = nodeid.rpartition("@")
    return plain if nodeid.rfind("@") > nodeid.rfind("]") else nodeid


@pytest.fixture(autouse=True)
def _used_permissions(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold every test to what it is said to have the functions do; or write that down."""
    made: list[Cloud] = []
    with mock.patch.object(Cloud, "made", made):
        yield
    used = {(name, each) for cloud in made for name, all_ in cloud.used.items() for each in all_}
    test = plain_id(request.node.nodeid)
    if path := os.environ.get("RECORD_PERMISSIONS"):
        lines = (json.dumps([name, " ".join(each), test]) + "\n" for name, each in used)
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(lines)
        return
    said = {
        (name, permission)
        for name, all_ in permissions.recorded().items()
        for permission, its in all_.items()
        if its == test
    }
    assert said <= used, "tests/support/permissions.py says how to record this anew"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which emulators had no say, so that nobody takes this for the whole of it."""
    if reason := why_not():
        left_out = " and ".join(sorted(FROM_NPM))
        terminalreporter.write_line(f"contract tests ran without {left_out}: {reason}", yellow=True)


@pytest.fixture(autouse=True)
def aws_calls() -> Iterator[AwsCalls]:
    """Every call of AWS that the test makes; it fails if AWS would have refused one."""
    with watched_calls() as calls:
        yield calls
    assert calls.violations == []


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS in this process's memory, empty."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def deploy(aws: None) -> Callable[..., Cloud]:
    """Deploys template.yaml with other parameters than the default ones."""
    return Cloud


@pytest.fixture
def cloud(aws: None) -> Cloud:
    """template.yaml deployed to an Xporter that is not there."""
    return Cloud(XporterUrl="http://127.0.0.1:9")


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    """One simulator per worker; ``xporter`` empties it for each test."""
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def xporter(simulator: RunningSimulator) -> Iterator[Xporter]:
    """Xporter without schools, faults or memories."""
    driver = Xporter(simulator.url)
    driver.control("POST", "reset")
    driver.control("PUT", "application", Application().describe())
    yield driver
    driver.close()


@pytest.fixture
def connected(aws: None, xporter: Xporter) -> Cloud:
    """template.yaml deployed to the simulator."""
    return Cloud(XporterUrl=xporter.url, CallbackBaseUrl="https://callbacks.example.app")
