"""One signed request to the API, repeated where a repetition is safe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from requests.auth import AuthBase

from .errors import ApiError, NotReachableError

_TIMEOUT_SECONDS = (5, 35)  # API Gateway itself gives up after 30
_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 60.0
# The request was not carried out, or its repetition finds what the first one made.
_PASSING = frozenset({429, 500, 502, 503, 504})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


# The operator's command line signs likewise in its own wheel: neither wheel needs the other.
class SignedRequest(AuthBase):
    """Signs each attempt with the credentials that are valid then."""

    def __init__(self, credentials: Any, region: str) -> None:
        self._credentials, self._region = credentials, region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers of the signature."""
        signed = AWSRequest(request.method, request.url, data=request.body or b"")
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


class Transport:
    """The connections to one API.

    Args:
        auth: Signs the requests; None for a local stack, which needs no signature.
    """

    def __init__(
        self, url: str, auth: AuthBase | None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url, self._sleep = url.rstrip("/"), sleep
        self._http = requests.Session()
        self._http.auth = auth
        if auth is None or urlsplit(url).hostname in _LOOPBACK:
            self._http.trust_env = False  # neither a proxy nor .netrc

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = True,
    ) -> Any:
        """Send a request and return the document of the answer.

        Args:
            is_repeatable: A request whose answer was lost may be sent again. A request that the
                API has refused for the time being (429, 503) is sent again in any case.

        Raises:
            ApiError: The API refused the request.
            NotReachableError: No answer came.
        """
        content = None if body is None else json.dumps(body).encode()
        sent = {**({"content-type": "application/json"} if content else {}), **(headers or {})}
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            try:
                answer = self._http.request(
                    method,
                    self._url + path,
                    params=query,
                    data=content,
                    headers=sent,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                if is_last or not is_repeatable:
                    raise NotReachableError(f"{self._url} does not answer") from error
                self._sleep(_back_off(attempt))
                continue
            if answer.status_code < 300:
                return answer.json()
            repeats = _PASSING if is_repeatable else {429, 503}
            if is_last or answer.status_code not in repeats:
                raise _refusal(answer)
            self._sleep(_back_off(attempt, answer.headers.get("retry-after", "")))
        raise AssertionError("unreachable")

    def pages(self, path: str, name: str, wanted: Mapping[str, str]) -> Iterator[Any]:
        """Yield what every page has under ``name``; parameters that are empty are not sent."""
        query: dict[str, Any] = {"limit": 100, **{k: v for k, v in wanted.items() if v}}
        while True:
            page = self.send("GET", path, query=query)
            yield from page[name]
            if not page.get("cursor"):
                return
            query["cursor"] = page["cursor"]


def _back_off(attempt: int, retry_after: str = "") -> float:
    wait = float(retry_after) if retry_after.isdigit() else 0.3 * 2**attempt
    return min(wait, _LONGEST_WAIT_SECONDS)


def _refusal(answer: requests.Response) -> ApiError:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    # API Gateway itself answers with "message".
    detail = document.get("detail") or document.get("message") or answer.reason or ""
    return ApiError(
        answer.status_code,
        str(detail),
        document.get("errors") or (),
        document.get("instance") or answer.headers.get("x-request-id", ""),
    )
