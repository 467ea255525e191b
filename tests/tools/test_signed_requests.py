"""That requests are signed as IAM checks them."""

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tools.demo.signed_requests import SignedRequests

URL = "https://api.example/v1/schools/3281102/pulls?page=2&since=1"


def sent(method: str, content: bytes, credentials: Credentials) -> httpx.Request:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    auth = SignedRequests(credentials, "eu-west-2")
    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as client:
        client.request(method, URL, content=content, headers={"Content-Type": "application/json"})
    return requests[0]


def test_the_signature_covers_method_query_and_body() -> None:
    credentials = Credentials("AKID", "secret")
    request = sent("POST", b'{"dataset": "students"}', credentials)
    again = AWSRequest("POST", URL, data=b'{"dataset": "students"}')
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(credentials, "execute-api", "eu-west-2")
    again.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    signature = signer.signature(
        signer.string_to_sign(again, signer.canonical_request(again)), again
    )
    assert request.headers["authorization"].endswith(f"Signature={signature}")
    assert "SignedHeaders=host;x-amz-date" in request.headers["authorization"]


def test_temporary_credentials_send_their_token() -> None:
    request = sent("GET", b"", Credentials("AKID", "secret", "token"))
    assert request.headers["x-amz-security-token"] == "token"
    assert "x-amz-security-token" in request.headers["authorization"]
