"""HTTP to one host over the transport of ``requests``, without a ``requests.Session``.

A session follows redirects (and reads their bodies without a limit), replaces our token by a
password from ``.netrc``, and keeps cookies; all this would have to be switched off. The errors of
``requests`` contain the whole URL.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import IncompleteRead
from io import BytesIO
from json import dumps
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from requests import PreparedRequest, Request, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ProxyError, ReadTimeout
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError

from xporter_bridge import dry_run
from xporter_bridge.errors import ConfigurationError, ContractError, XporterUnavailableError
from xporter_bridge.xporter.gzip import TooLargeError, UnreadableError, unpack

CONNECT_SECONDS = 3
# The limit of a response, compressed and decompressed. A page of 1,000 rows with photos is smaller,
# and the memory of a function is larger.
MAX_BYTES = 256 * 1024 * 1024
_READ_BYTES = 256 * 1024
_MAX_KEPT_CONNECTIONS = 16
_NOT_CONNECTED = "xporter_not_connected"
# What every reason begins with that Xporter was not reached, failed, or refused as too many.
XPORTERS = "xporter_"
# Nothing came in time, though Xporter was reached.
TIMED_OUT = "xporter_timed_out"
_INVALID_URL = "Xporter's URL must be http:// or https:// and a host, without a user"


@dataclass(frozen=True)
class HttpResponse:
    """A response, read to its end. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class HttpClient:
    """Sends requests to the host of a base URL, through the environment's proxy, if any.

    Threads may share the client. The client never retries, never follows a redirect, and does not
    interpret statuses.

    Raises:
        ConfigurationError: The base URL is not ``http://`` or ``https://`` and a host.
    """

    def __init__(self, base_url: str) -> None:
        address = _validated(base_url)
        self._base_url = base_url
        self._proxies = _proxies(address)
        # The certificate authorities are loaded once (20 ms) and not for each connection.
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        # All threads share it: nothing in it changes after this line but urllib3's pool, which has
        # a lock. With an adapter per thread, each pull would open its connections again.
        self._kept = _Adapter(self._tls)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        read_seconds: float,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        new_connection: bool = False,
    ) -> HttpResponse:
        """Send one request and return its response.

        Args:
            read_seconds: The longest time without a byte from Xporter.
            new_connection: Do not send over a kept connection. Xporter may have closed it, which
                we would notice only after sending.

        Raises:
            XporterUnavailableError: No complete response; the reason says how far the exchange
                got. With ``xporter_not_connected``, no byte of ``json`` was sent.
            ContractError: The response is too large, or a header value cannot be sent.
        """
        dry_run.end_at("xporter")
        url = f"{self._base_url}{path}" + (f"?{urlencode(query)}" if query else "")
        request = _prepared(method, url, headers, None if json is None else _Body(json))
        if not new_connection:
            return self._exchange(self._kept, request, read_seconds)
        adapter = _Adapter(self._tls)
        try:
            return self._exchange(adapter, request, read_seconds)
        finally:
            adapter.close()

    def _exchange(
        self, adapter: HTTPAdapter, request: PreparedRequest, read_seconds: float
    ) -> HttpResponse:
        # "from None": the text of the cause contains the URL, and so a callback's signature.
        try:
            response = adapter.send(
                request,
                stream=True,
                proxies=self._proxies,
                timeout=(CONNECT_SECONDS, read_seconds),
            )
            content = _content(response)
        except (RequestException, HTTPError) as error:
            may_be_sent = getattr(request.body, "is_sending", True)
            reason = _reason(error) if may_be_sent else _NOT_CONNECTED
            raise XporterUnavailableError(reason) from None
        except UnreadableError:
            raise XporterUnavailableError("xporter_answer_cut") from None
        except TooLargeError:
            raise ContractError("answer_too_large") from None
        return HttpResponse(response.status_code, response.headers, content)


class _Adapter(HTTPAdapter):
    """Trusts the platform's certificate authorities (or ``SSL_CERT_FILE``) instead of ``certifi``.

    Args:
        tls: None for plain HTTP.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=_MAX_KEPT_CONNECTIONS, max_retries=0)

    def init_poolmanager(self, *sizes: Any, **settings: Any) -> None:
        super().init_poolmanager(*sizes, ssl_context=self._tls, **settings)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **settings)

    def cert_verify(self, *_: Any) -> None:
        """Do not add ``certifi`` to the context, which requires a valid certificate already."""


class _Body(BytesIO):
    """A JSON body that records when the connection begins to send it.

    urllib3 reads it after connecting, the TLS handshake and sending the headers. If the exchange
    fails before, Xporter cannot have processed the request.
    """

    def __init__(self, json: Mapping[str, Any]) -> None:
        super().__init__(dumps(json, ensure_ascii=False, separators=(",", ":")).encode())
        self.is_sending = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.is_sending = True
        return super().read(size)


def is_sendable(value: str) -> bool:
    """Tell whether a header may have this value: printable ASCII, so it cannot add a line."""
    return value.isascii() and value.isprintable()


def _prepared(
    method: str, url: str, headers: Mapping[str, str], body: _Body | None
) -> PreparedRequest:
    """Return a request with our headers only, and without cookies or a password from the URL.

    Raises:
        ContractError: A header value cannot be sent. The token in it came from Xporter.
    """
    all_headers = {"Accept-Encoding": "gzip", "User-Agent": "xporter-bridge", **headers}
    if body is not None:
        all_headers["Content-Type"] = "application/json"
    if not all(map(is_sendable, all_headers.values())):
        raise ContractError("header_unsendable")
    request = PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(url, None)
    request.prepare_headers(all_headers)
    request.prepare_body(body, None)
    return request


def _content(response: Response) -> bytes:
    """Return the body, read to its end and decompressed."""
    raw = response.raw
    try:
        data = _read(raw)
    except TooLargeError:
        raw.close()
        raise
    raw.release_conn()
    return unpack(data, response.headers.get("Content-Encoding", ""), most_bytes=MAX_BYTES)


def _read(raw: BaseHTTPResponse) -> bytes:
    if raw.length_remaining is None:
        data = _read_without_length(raw)
    elif raw.length_remaining > MAX_BYTES:
        raise TooLargeError("announced")
    else:
        data = raw.read()
    if len(data) > MAX_BYTES:
        raise TooLargeError("answer")
    return data


def _read_without_length(raw: BaseHTTPResponse) -> bytes:
    """Return the body, or its beginning when it is larger than ``MAX_BYTES``.

    ``read`` would trust the length of a chunk and, if that is -1, read without a limit.
    """
    parts, left = [], MAX_BYTES + 1
    while left > 0 and (part := raw.read1(min(left, _READ_BYTES))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _validated(base_url: str) -> SplitResult:
    try:
        address = urlsplit(base_url)
        Request("GET", base_url).prepare()
    except (RequestException, ValueError):
        raise ConfigurationError(_INVALID_URL) from None
    # requests would send a password in the URL instead of the school's token.
    if address.scheme not in {"http", "https"} or "@" in address.netloc:
        raise ConfigurationError(_INVALID_URL)
    return address


def _proxies(address: SplitResult) -> dict[str, str]:
    proxy = getproxies().get(address.scheme)
    return {address.scheme: proxy} if proxy and not proxy_bypass(address.netloc) else {}


def _reason(error: RequestException | HTTPError) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(error, ConnectTimeout | ProxyError) or isinstance(
        getattr(cause, "reason", None), NewConnectionError
    ):
        return _NOT_CONNECTED
    if isinstance(error, ReadTimeout | ReadTimeoutError):
        return TIMED_OUT
    if isinstance(error, ProtocolError) and isinstance(error.args[-1], IncompleteRead):
        return "xporter_answer_cut"
    return "xporter_unreachable"
