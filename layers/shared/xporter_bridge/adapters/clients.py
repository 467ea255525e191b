"""boto3 clients, each opened once and only when something first needs it."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Short timeouts and standard retries: a hanging call must not eat an invocation.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
)


@cache
def client(service: str) -> Any:
    """Return the one client of a service; region and endpoint are the environment's."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]
