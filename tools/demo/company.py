"""The company's own software: calls of the product's API, signed for AWS (SigV4)."""

import json
from typing import Any

import httpx


class CompanyApi:
    """The API of docs/api.md at one URL."""

    def __init__(self, url: str, auth: httpx.Auth) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False, auth=auth)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return the document at a path; an unexpected status raises ``httpx.HTTPStatusError``."""
        return self._checked("GET", path)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Send a document and return the reply's; raises like ``get``."""
        return self._checked("POST", path, body, headers)

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send one signed request and return its reply, of any status."""
        content = json.dumps(body).encode() if body is not None else b""
        sent = {"Content-Type": "application/json", **(headers or {})} if content else headers or {}
        return self._http.request(method, path, content=content, headers=sent)

    def _checked(self, *arguments: Any) -> dict[str, Any]:
        document: dict[str, Any] = self.send(*arguments).raise_for_status().json()
        return document
