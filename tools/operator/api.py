"""The API of a stack, called with the caller's own rights: every request is signed (SigV4)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util.retry import Retry

from .errors import NotAllowedError, NotReachableError, OperatorError, RefusedError
from .target import Target

_TIMEOUT_SECONDS = (5, 35)  # API Gateway itself gives up after 30
# Only what reads is repeated: 429 and 5xx pass.
_RETRY = Retry(
    total=3, backoff_factor=0.3, status_forcelist=(429, 502, 503, 504), raise_on_status=False
)
_MAX_PAGE = 100


class SignedRequest(AuthBase):
    """Signs requests with the credentials that are valid when they are sent."""

    def __init__(self, credentials: Any, region: str) -> None:
        self._credentials, self._region = credentials, region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers of the signature."""
        signed = AWSRequest(request.method, request.url, data=request.body or b"")
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


class Api:
    """The API of one stack."""

    def __init__(self, target: Target) -> None:
        if target.credentials is None:
            raise NotAllowedError(
                "no AWS credentials were found", "set AWS_PROFILE, or give --profile"
            )
        self._url = target.api_url
        self._http = requests.Session()
        self._http.trust_env = target.local is None  # no proxy stands before this machine itself
        self._http.auth = SignedRequest(target.credentials, target.region)
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, HTTPAdapter(max_retries=_RETRY))

    def get(self, path: str, **query: Any) -> Any:
        """Return the document at a path.

        Raises:
            RefusedError: With the API's own words, as for 404.
            OperatorError: The call is not allowed, or the API does not answer.
        """
        return self.send("GET", path, query=query).json()

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> Any:
        """Ask for something and return the answer; errors are those of ``get``."""
        return self.send("POST", path, body=body, headers=headers).json()

    def delete(self, path: str) -> Any:
        """Delete what is at a path and return the answer; errors are those of ``get``."""
        return self.send("DELETE", path).json()

    def schools(self, **wanted: str) -> Iterator[list[dict[str, Any]]]:
        """Yield every school, a page at a time; ``wanted`` are query parameters that filter."""
        cursor = None
        while True:
            query = {**wanted, **({"cursor": cursor} if cursor else {})}
            page = self.get("/v1/schools", limit=_MAX_PAGE, **query)
            yield page["schools"]
            cursor = page["cursor"]
            if not cursor:
                return

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request and return its answer, if the API accepted it."""
        content = None if body is None else json.dumps(body).encode()
        sent = {**({"content-type": "application/json"} if content else {}), **(headers or {})}
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
            raise NotReachableError(
                f"the API at {self._url} does not answer",
                "check the network, and that the stack runs (`xporter-bridge doctor`)",
            ) from error
        if not answer.ok:
            raise _refusal(answer, method, path)
        return answer


def _refusal(answer: requests.Response, method: str, path: str) -> OperatorError:
    status = answer.status_code
    try:
        document = answer.json()
    except ValueError:
        document = {}
    detail = document.get("detail") or document.get("message") or answer.reason
    if status in {401, 403}:
        return NotAllowedError(
            f"you are not allowed {method} {path}",
            f"the policy needs execute-api:Invoke on it ({detail}); docs/access.md has it",
        )
    wrong = "; ".join(f"{each['at']}: {each['message']}" for each in document.get("errors", ()))
    says = f"the API refused {method} {path} with {status}"
    if status >= 500:
        request = document.get("instance") or answer.headers.get("x-request-id", "")
        return RefusedError(says, status, f"{detail} (request {request})")
    return RefusedError(says, status, "; ".join(filter(None, (detail, wrong))))
