"""Whatever strangers, or somebody who knows a URL of ours, send to the four receivers."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.support.builders import BASE_URL, ESTAB, callback
from tests.support.fuzz import few_or_many
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys

RECEIVERS = ("authentication", "database", "availability", "writeback")
QUEUES = {
    "authentication": "AuthenticationQueue",
    "database": "DatabaseQueue",
    "availability": "AvailabilityQueue",
    "writeback": "OutcomeQueue",
}
SUBJECTS = {
    "database": "XodSchoolData",
    "availability": f"pull-{'0' * 32}",
    "writeback": f"writeback-{'0' * 32}.0.1",
}
quick = few_or_many(30, HealthCheck.function_scoped_fixture)
PARTS = st.sampled_from([
    "estab=3281102", "schoolSecret=x", "schoolId=3281102", "partnerId=live.example.app", "&", "=",
    "%FF", "%00", "?", "&amp;", "XodCompleted=true", "signature=", "key=", '{"DBStatus":[', "]}",
    "\ud800", "é", "null", "id=pull-1", "database=XodSchoolData", "trackingid=1", "{", "[", '"',
])  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=8), max_size=8).map("".join)
METHODS = st.sampled_from(["GET", "POST", "HEAD"])


@pytest.fixture
def keys(cloud: Cloud) -> list[SigningKey]:
    for queue in QUEUES.values():
        cloud.ref(queue)
    return list(SigningKeys(cloud.client("secretsmanager"), cloud.ref("CallbackKeySecret")).keys())


def event(url: str, method: str, query: str, body: str, *, is_base64: bool) -> dict[str, Any]:
    made = callback(url, method)
    made["rawQueryString"] = "&".join(filter(None, [made["rawQueryString"], query]))
    data = body.encode("utf-8", "replace")
    made["body"] = base64.b64encode(data).decode() if is_base64 else data.decode()
    made["isBase64Encoded"] = is_base64
    return made


@pytest.mark.parametrize("receiver", RECEIVERS)
@quick
@given(method=METHODS, query=TEXTS, body=TEXTS, is_base64=st.booleans())
def test_a_stranger_gets_404_whatever_is_sent_and_causes_no_work(
    cloud: Cloud,
    keys: list[SigningKey],
    receiver: str,
    method: str,
    query: str,
    body: str,
    *,
    is_base64: bool,
) -> None:
    url = f"{BASE_URL}/callbacks/{receiver}" + ("/no-token" if receiver == "authentication" else "")
    sent = event(url, method, query, body, is_base64=is_base64)
    assert cloud.invoke(f"receive_{receiver}", sent)["statusCode"] == 404
    assert cloud.depth(QUEUES[receiver]) == 0


@pytest.mark.parametrize("receiver", RECEIVERS)
@quick
@given(method=st.sampled_from(["GET", "POST"]), query=TEXTS, body=TEXTS, is_base64=st.booleans())
def test_who_knows_a_url_gets_an_answer_whatever_is_sent_and_never_5xx(
    cloud: Cloud,
    keys: list[SigningKey],
    receiver: str,
    method: str,
    query: str,
    body: str,
    *,
    is_base64: bool,
) -> None:
    if receiver == "authentication":
        found = cloud.client("secretsmanager").get_secret_value(
            SecretId=cloud.ref("AuthenticationTokenSecret")
        )
        url = f"{BASE_URL}/callbacks/authentication/{found['SecretString']}"
    else:
        kind = CallbackKind(receiver)
        url = sign(kind, ESTAB, SUBJECTS[receiver], base_url=BASE_URL, keys=keys)
    sent = event(url, method, query, body, is_base64=is_base64)
    status = cloud.invoke(f"receive_{receiver}", sent)["statusCode"]
    assert status in {202, 400, 404, 413}
    assert (status == 202) == bool(cloud.take(QUEUES[receiver]))
