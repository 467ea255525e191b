"""GET and POST /callbacks/database: the real handler, its queue and its key."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.support.builders import BASE_URL, ESTAB, NOW, OTHER_ESTAB, callback
from tests.support.moto_cloud import Cloud, recorded_calls, refusing
from xporter_bridge.callbacks.request import MAX_BODY_BYTES
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.timestamps import parse

FUNCTION, QUEUE = "receive_database", "DatabaseQueue"
NOT_FOUND = (404, '{"message":"Not Found"}')


def keys(cloud: Cloud) -> list[SigningKey]:
    secret = cloud.ref("CallbackKeySecret")
    return SigningKeys(cloud.client("secretsmanager"), secret).keys()


def registered(cloud: Cloud, estab: str = ESTAB, database: str = "XodSchoolData") -> str:
    """Return the URL that Xporter holds."""
    return sign(CallbackKind.DATABASE, estab, database, base_url=BASE_URL, keys=keys(cloud))


def call(cloud: Cloud, url: str, method: str = "GET", **arguments: Any) -> tuple[int, str]:
    reply = cloud.invoke(FUNCTION, callback(url, method, **arguments))
    return reply["statusCode"], reply["body"]


def changed(url: str, **parameters: str | None) -> str:
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **parameters}
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_registered_url_is_stored_and_acknowledged(cloud: Cloud, method: str) -> None:
    assert call(cloud, registered(cloud), method) == (202, "{}")
    (message,) = cloud.take(QUEUE)
    assert parse(message.pop("received_at")) > NOW.replace(year=2020)
    assert message == {"estab": ESTAB, "database": "XodSchoolData"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"\x00\xff\xfe", "application/octet-stream"),
        (b'{"estab": "3286198"}', "application/json"),
        (b"estab=3286198&database=Other", "application/x-www-form-urlencoded"),
        (b"a" * MAX_BODY_BYTES, "text/plain"),
    ],
)
def test_whatever_the_body_says_only_the_url_counts(
    cloud: Cloud, body: bytes, content_type: str | None
) -> None:
    url = registered(cloud)
    assert call(cloud, url, "POST", body=body, content_type=content_type, is_base64=True)[0] == 202
    (message,) = cloud.take(QUEUE)
    assert (message["estab"], message["database"]) == (ESTAB, "XodSchoolData")


def test_a_body_beyond_the_limit_is_refused_even_on_a_good_url(cloud: Cloud) -> None:
    body = b"a" * (MAX_BODY_BYTES + 1)
    answer = call(cloud, registered(cloud), "POST", body=body, is_base64=True)
    assert answer == (413, '{"message":"too large"}')
    assert cloud.depth(QUEUE) == 0


def test_parameters_that_others_add_do_not_matter(cloud: Cloud) -> None:
    assert call(cloud, registered(cloud) + "&utm=1&XodCompleted=True")[0] == 202


def test_names_of_parameters_and_the_database_have_no_case(cloud: Cloud) -> None:
    url = registered(cloud).replace("estab=", "ESTAB=").replace("XodSchoolData", "xodschooldata")
    assert call(cloud, url)[0] == 202


def test_every_url_that_we_did_not_make_gets_the_same_404_and_causes_no_work(cloud: Cloud) -> None:
    good = registered(cloud)
    signature = dict(parse_qsl(urlsplit(good).query))["signature"]
    stranger = sign(
        CallbackKind.DATABASE,
        ESTAB,
        "XodSchoolData",
        base_url=BASE_URL,
        keys=[SigningKey(keys(cloud)[0].id, b"a key that a stranger made")],
    )
    other_kind = sign(CallbackKind.WRITEBACK, ESTAB, "x", base_url=BASE_URL, keys=keys(cloud))
    forged = {
        "bare": f"{BASE_URL}/callbacks/database",
        "unsigned": changed(good, signature=None),
        "empty": changed(good, signature=""),
        "shortened": changed(good, signature=signature[:-1]),
        "lengthened": changed(good, signature=signature + "="),
        "altered": changed(good, signature=signature[:-1] + ("A" if signature[-1] != "A" else "B")),
        "other case": changed(good, signature=signature.swapcase()),
        "not ascii": changed(good, signature="ŵ" * 43),
        "other school": changed(good, estab=OTHER_ESTAB),
        "no school": changed(good, estab=None),
        "other database": changed(good, database="XodConductPoints"),
        "no database": changed(good, database=None),
        "named twice": f"{good}&estab={OTHER_ESTAB}",
        "other kind": changed(other_kind, database="x"),
        "stranger's key": stranger,
    }
    answers = {what: call(cloud, url) for what, url in forged.items()}
    assert answers == dict.fromkeys(forged, NOT_FOUND)
    assert cloud.depth(QUEUE) == 0


@pytest.mark.parametrize("query", ["estab=%FF", "estab=3281102?key=x", "&amp;estab=1"])
def test_a_query_that_nobody_signed_is_a_404_whatever_is_in_it(cloud: Cloud, query: str) -> None:
    assert call(cloud, f"{BASE_URL}/callbacks/database?{query}") == NOT_FOUND


def test_the_previous_key_is_good_until_it_is_dropped(deploy: Callable[..., Cloud]) -> None:
    cloud = deploy()
    secrets, secret = cloud.client("secretsmanager"), cloud.ref("CallbackKeySecret")
    first = registered(cloud)
    secrets.put_secret_value(SecretId=secret, SecretString="the second key of this deployment")
    cloud.cool_down()
    second = registered(cloud)
    assert first != second
    assert [call(cloud, url)[0] for url in (first, second)] == [202, 202]
    secrets.put_secret_value(SecretId=secret, SecretString="the third key of this deployment")
    cloud.cool_down()
    assert [call(cloud, url)[0] for url in (first, second, registered(cloud))] == [404, 202, 202]


def test_without_a_key_nobody_is_let_in(cloud: Cloud) -> None:
    url = registered(cloud)
    cloud.client("secretsmanager").delete_secret(
        SecretId=cloud.ref("CallbackKeySecret"), ForceDeleteWithoutRecovery=True
    )
    for each in (url, changed(url, signature=None), f"{BASE_URL}/callbacks/database"):
        assert call(cloud, each) == (500, '{"message":"error"}')
    assert cloud.depth(QUEUE) == 0


def test_without_its_settings_it_fails_closed(cloud: Cloud) -> None:
    event = callback(registered(cloud))
    for name in ("CALLBACK_KEY_SECRET_ARN", "DATABASE_QUEUE_URL"):
        assert cloud.invoke(FUNCTION, event, without=[name])["statusCode"] == 500


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("ServiceUnavailable", (503, '{"message":"try again"}')),
        ("AccessDenied", (500, '{"message":"error"}')),
    ],
)
def test_a_queue_that_refuses_is_never_a_2xx(
    cloud: Cloud, code: str, answer: tuple[int, str]
) -> None:
    url = registered(cloud)
    with refusing("sqs", "SendMessage", code):
        assert call(cloud, url) == answer
    assert cloud.depth(QUEUE) == 0


def test_a_secret_store_that_is_unwell_lets_nobody_in_and_asks_to_come_again(cloud: Cloud) -> None:
    url = registered(cloud)
    with refusing("secretsmanager", "GetSecretValue"):
        assert call(cloud, url)[0] == 503


def test_thirty_copies_are_thirty_messages_for_the_planner_to_join(cloud: Cloud) -> None:
    url = registered(cloud)
    assert {call(cloud, url)[0] for _ in range(30)} == {202}
    assert cloud.depth(QUEUE) == 30


def test_callbacks_settle_for_seconds_so_that_a_burst_shares_a_pull(cloud: Cloud) -> None:
    call(cloud, registered(cloud))
    assert 0 < cloud.delays[0] <= 10


def test_an_acknowledgement_makes_one_write_and_reads_at_most_the_key(cloud: Cloud) -> None:
    url = registered(cloud)
    call(cloud, url)
    with recorded_calls() as made, refusing("secretsmanager", "GetSecretValue"):
        assert call(cloud, url)[0] == 202  # The key is remembered for a minute.
    assert made == ["sqs:SendMessage"]
