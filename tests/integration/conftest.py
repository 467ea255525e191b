"""Deployments under a fixed clock, for what was recorded of an earlier version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recorded.support import Deployment, deployment
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter


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
