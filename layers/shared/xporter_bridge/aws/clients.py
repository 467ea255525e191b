"""AWS clients, each opened once, at its first use.

They are botocore's clients, which boto3 returns too. boto3 itself would add s3transfer and
resources, and would lengthen every cold start (docs/performance.md).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from xporter_bridge import dry_run

_CONNECT_SECONDS = 1
# The read timeouts. S3 receives and copies megabytes before it responds; Lambda responds when the
# invoked function has ended.
_READ_SECONDS = {"s3": 6, "lambda": 60}
_OTHER_READ_SECONDS = 3
_ATTEMPTS = 3


@cache
def client(service: str) -> Any:
    """Return the only client of a service; the environment sets region and endpoint."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS.get(service, _OTHER_READ_SECONDS),
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=32,
    )
    return _session().create_client(service, config=config)


def longest_seconds(service: str) -> float:
    """Return the longest time of a call; the caller needs time left to report its failure."""
    read = _READ_SECONDS.get(service, _OTHER_READ_SECONDS)
    # botocore waits up to one second before the second attempt, and doubles the wait each time.
    waits = sum(1 << attempt for attempt in range(_ATTEMPTS - 1))
    return _ATTEMPTS * (_CONNECT_SECONDS + read) + waits


@cache
def _session() -> Session:
    session = get_session()
    session.register("before-call", _before_call)
    return session


def _before_call(**call: Any) -> None:
    model = call["model"]
    dry_run.end_unless_read(model.service_model.service_name, model.name)
