"""HTTP to one host over connections that are kept: urllib3 itself, which may be shared by threads.

requests would add a third of a millisecond to every page, ten-kilobyte reads, cookies, and a
.netrc's password in place of our token (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    PoolManager,
    ProxyManager,
    Timeout,
    connection_from_url,
)
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    TimeoutError,  # noqa: A004 - it is none of the built-in's kind
)

from xporter_bridge.errors import ContractError, XporterRefusedError, XporterUnavailableError
from xporter_bridge.xporter.gzip import TooLargeError, UnreadableError, unpack

CONNECT_SECONDS = 3
# Of an answer, packed and unpacked: more than 1,000 rows come to, even with photos, and few enough
# for a function's memory. What is larger is no page, or is made to burst us.
MOST_BYTES = 256 * 1024 * 1024
_CONNECTIONS = 16


@dataclass(frozen=True)
class HttpResponse:
    """An answer, read to its end. ``headers`` may be asked for in any casing."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class HttpClient:
    """Connections to the host of a base URL, through the proxy that the environment names for it.

    Nothing is retried or redirected here, and whether an answer is good is for others to say.
    """

    def __init__(self, base_url: str) -> None:
        self._pool, self._prefix = _pool(base_url)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        read_seconds: float,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        """Make one request and return its answer.

        Args:
            read_seconds: How long the other side may be silent.

        Raises:
            XporterUnavailableError: No whole answer came; its reason says how far it got.
            ContractError: It is too large to be one.
            XporterRefusedError: The request cannot be written: its token is none.
        """
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            # A token may hold anything, and the next one another.
            raise XporterRefusedError("request_unsendable")
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._pool.request(
                method,
                target,
                headers={**headers, "Accept-Encoding": "gzip"},
                json=json,
                redirect=False,
                decode_content=False,
                preload_content=False,
                timeout=Timeout(connect=CONNECT_SECONDS, read=read_seconds),
            )
            content = _content(answer)
        except HTTPError as error:
            raise XporterUnavailableError(f"xporter_{_kind(error)}") from error
        except UnreadableError as error:
            raise XporterUnavailableError("xporter_answer_cut") from error
        except TooLargeError as error:
            raise ContractError("answer_too_large") from error
        return HttpResponse(answer.status, answer.headers, content)


def _content(answer: BaseHTTPResponse) -> bytes:
    """Return what an answer holds, read to its end and unpacked."""
    try:
        data = _read(answer)
    except TooLargeError:
        answer.close()
        raise
    answer.release_conn()
    return unpack(data, answer.headers.get("Content-Encoding", ""), most_bytes=MOST_BYTES)


def _read(answer: BaseHTTPResponse) -> bytes:
    if answer.length_remaining is None:
        data = _read_without_length(answer)
    elif answer.length_remaining > MOST_BYTES:
        raise TooLargeError("announced")
    else:
        data = answer.read()
    if len(data) > MOST_BYTES:
        raise TooLargeError("answer")
    return data


def _read_without_length(answer: BaseHTTPResponse) -> bytes:
    """Return an answer, or a little more of it than it may hold."""
    parts, left = [], MOST_BYTES + 1
    while left > 0 and (part := answer.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _pool(base_url: str) -> tuple[PoolManager | HTTPConnectionPool, str]:
    """Return what makes the requests, and what the URL of each begins with."""
    address = urlsplit(base_url)
    settings: dict[str, Any] = {"maxsize": _CONNECTIONS, "retries": False}
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.netloc):
        return ProxyManager(proxy, **settings), base_url
    return connection_from_url(base_url, **settings), address.path


def _kind(error: HTTPError) -> str:
    # Nothing was sent where no connection was made: only then may a writeback be repeated at once.
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return "not_connected"
    if isinstance(error, TimeoutError):
        return "timed_out"
    if isinstance(error, ProtocolError) and isinstance(error.args[-1], IncompleteRead):
        return "answer_cut"
    return "unreachable"
