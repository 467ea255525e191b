"""AWS clients, each opened once and only when something first needs it.

botocore's, which boto3's are: boto3 would add s3transfer and resources, and a tenth to every cold
start (benchmarks/acknowledgement.py).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

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
    return _session().create_client(service, config=_CONFIG)


@cache
def _session() -> Session:
    return get_session()
