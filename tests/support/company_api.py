"""The company's own software, in process: calls the API's real handler as API Gateway does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.moto_cloud import Cloud


@dataclass(frozen=True)
class Answer:
    """One answer; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text)


def request(
    method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the event that an HTTP API with IAM authorisation makes (payload format 2.0)."""
    parts = urlsplit(path)
    query: dict[str, str] = {}
    for pair in filter(None, parts.query.split("&")):
        name, _, value = (unquote(part) for part in pair.partition("="))
        query[name] = f"{query[name]},{value}" if name in query else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": unquote(parts.path),
        "rawQueryString": parts.query,
        "headers": {"host": "api.example", **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "company",
            "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:role/company"}},
            "domainName": "api.example",
            "http": {"method": method, "path": parts.path, "protocol": "HTTP/1.1"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "time": "24/Nov/2026:03:00:00 +0000",
            "timeEpoch": 1795489200000,
        },
        "pathParameters": {"proxy": unquote(parts.path).lstrip("/")},
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = body
        event["headers"].setdefault("content-type", "application/json")
    return event


class CompanyApi:
    """Calls ``serve_api`` of a deployment."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def send(self, event: Mapping[str, Any]) -> Answer:
        reply = self._cloud.invoke("serve_api", event)
        headers = {name.lower(): str(value) for name, value in reply["headers"].items()}
        return Answer(reply["statusCode"], headers, reply["body"])

    def get(self, path: str) -> Answer:
        return self.send(request("GET", path))

    def delete(self, path: str) -> Answer:
        return self.send(request("DELETE", path))

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(request("POST", path, json.dumps(body), sent))
