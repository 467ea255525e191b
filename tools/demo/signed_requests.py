"""Requests as IAM wants them in front of an API of API Gateway (SigV4)."""

from collections.abc import Generator
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


class SignedRequests(httpx.Auth):
    """Signs every request with the credentials that are valid when it is sent.

    Args:
        credentials: Of botocore; temporary ones renew themselves.
    """

    requires_request_body = True

    def __init__(self, credentials: Any, region: str) -> None:
        self._signer = SigV4Auth(credentials, "execute-api", region)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers of the signature."""
        signed = AWSRequest(request.method, str(request.url), data=request.content)
        self._signer.add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request
