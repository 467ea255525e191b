"""Emulators beside moto, and deployments under a fixed clock for what was recorded earlier.

There is one of each emulator for all contract tests, which run in one worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.recorded.support import Deployment, deployment
from tests.support.emulated_aws import DIFFERENCES, EmulatedAws
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from tools.emulators import servers
from tools.stack.emulator import emulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect what an emulator is known to do differently; that it does not is a failure too."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        for value in callspec.params.values() if callspec else ():
            reason = DIFFERENCES.get((str(value), getattr(item, "originalname", "")))
            if reason:
                item.add_marker(pytest.mark.xfail(strict=True, reason=f"{value} {reason}"))


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("ministack")
    with (
        (directory / "log").open("wb", buffering=0) as log,
        emulator(0, directory, log) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    with servers.dynamodb_local() as url:
        yield url


@pytest.fixture(scope="session")
def s3rver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.s3rver(tmp_path_factory.mktemp("s3rver")) as url:
        yield url


@pytest.fixture
def aws_of(request: pytest.FixtureRequest) -> Callable[[str], EmulatedAws]:
    """Returns the AWS of the emulator with that name."""

    def start(name: str) -> EmulatedAws:
        if name == "moto":
            request.getfixturevalue("aws")
            return EmulatedAws(name)
        return EmulatedAws(name, request.getfixturevalue(name.replace("-", "_")))

    return start


@pytest.fixture
def offline(aws: None) -> Iterator[Deployment]:
    """A deployment without an Xporter."""
    with deployment(Cloud, "http://127.0.0.1:9") as made:
        yield made


@pytest.fixture
def online(aws: None, xporter: Xporter) -> Iterator[Deployment]:
    """A deployment that talks to the simulator."""
    with deployment(Cloud, xporter.url) as made:
        yield made
