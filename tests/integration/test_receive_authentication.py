"""POST /callbacks/authentication/{token}: the real handler, its queue, its key and its secret."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import (
    BASE_URL,
    ESTAB,
    FORM,
    RELYING_PARTY,
    SECRET,
    authentication_form,
    callback,
)
from tests.support.moto_cloud import Cloud, refusing
from xporter_bridge.callbacks.request import MAX_BODY_BYTES
from xporter_bridge.onboarding.transit_encryption import TransitEncryption

FUNCTION, QUEUE = "receive_authentication", "AuthenticationQueue"
# As the vendor's page prints it, line wraps included (shared/seed).
LITERAL_EXAMPLE = b"""\
schoolSecret=0755658d-0c81-4bfc-93a2-77b9e873914f&schoolId=3286198&schoolEmail=rrainey%40groupcall.com
&schoolName=Testing+School&templateScopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent%2CStudentDemographic%2CStudentExtended%2CStudentReligion%2CWritebackAttendance
&scopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent%2CStudentDemographic%2CStudentExtended%2CStudentReligion%2CWritebackAttendance
&thirdParty=XporterOnDemand&partnerId=live.example.app"""


def token(cloud: Cloud) -> str:
    answer = cloud.client("secretsmanager").get_secret_value(
        SecretId=cloud.ref("AuthenticationTokenSecret")
    )
    return str(answer["SecretString"])


def post(
    cloud: Cloud,
    body: bytes | None = None,
    *,
    path_token: str | None = None,
    content_type: str | None = FORM,
    **arguments: Any,
) -> tuple[int, str]:
    """Post a body (the documented form by default) as API Gateway passes it: in base64."""
    url = f"{BASE_URL}/callbacks/authentication/{path_token or token(cloud)}"
    event = callback(
        url,
        "POST",
        body=authentication_form() if body is None else body,
        content_type=content_type,
        is_base64=arguments.pop("is_base64", True),
        **arguments,
    )
    reply = cloud.invoke(FUNCTION, event)
    return reply["statusCode"], reply["body"]


def unsealed(cloud: Cloud, message: dict[str, Any]) -> str:
    seal = TransitEncryption(cloud.client("kms"), cloud.ref("SchoolKey"))
    return seal.unseal(message["estab"], base64.b64decode(message["sealed_secret"]))


def test_the_callback_is_stored_with_its_secret_sealed_and_acknowledged(cloud: Cloud) -> None:
    assert post(cloud) == (202, "{}")
    (message,) = cloud.take(QUEUE)
    assert unsealed(cloud, message) == SECRET
    del message["sealed_secret"], message["received_at"]
    assert message == {
        "kind": "authorised",
        "estab": ESTAB,
        "relying_party": RELYING_PARTY,
        "school_name": "Testing School",
        "is_installed": None,
        "has_completed_install": None,
    }


def test_the_message_holds_neither_the_secret_nor_the_address_of_the_contact(cloud: Cloud) -> None:
    post(cloud)
    (message,) = cloud.take_raw(QUEUE)
    assert SECRET not in str(message)
    assert "head@" not in str(message)
    assert not message.get("MessageAttributes")


@pytest.mark.parametrize("is_base64", [True, False])
def test_the_literal_example_of_the_documentation_is_taken(cloud: Cloud, is_base64: bool) -> None:
    assert post(cloud, LITERAL_EXAMPLE, is_base64=is_base64) == (202, "{}")
    (message,) = cloud.take(QUEUE)
    assert message["estab"] == "3286198"
    assert unsealed(cloud, message) == "0755658d-0c81-4bfc-93a2-77b9e873914f"


def test_json_is_taken_too(cloud: Cloud) -> None:
    body = {"schoolSecret": SECRET, "schoolId": ESTAB, "partnerId": RELYING_PARTY}
    assert post(cloud, json.dumps(body).encode(), content_type="application/json")[0] == 202
    assert unsealed(cloud, cloud.take(QUEUE)[0]) == SECRET


def test_the_install_flags_are_stored_whatever_they_are_called(cloud: Cloud) -> None:
    post(cloud, authentication_form(isXodInstalled="true", installCompleted="True"))
    (message,) = cloud.take(QUEUE)
    assert (message["is_installed"], message["has_completed_install"]) == (True, True)


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "text/plain; charset=windows-1252", f"{FORM}; charset=utf-8",
        "APPLICATION/X-WWW-FORM-URLENCODED;charset=iso-8859-1", "application/octet-stream",
        "application/json", "nonsense",
    ],
)  # fmt: skip
def test_the_documented_form_is_read_whatever_it_is_called(
    cloud: Cloud, content_type: str | None
) -> None:
    assert post(cloud, content_type=content_type)[0] == 202
    (message,) = cloud.take(QUEUE)
    assert unsealed(cloud, message) == SECRET


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"schoolName=St+Mary+&+St+Joseph", "St Mary & St Joseph"),
        (b"schoolName=Ysgol+G\xe2r", "Ysgol G\xe2r"),
        (b"schoolName=Ysgol+G%E2r", "Ysgol G\xe2r"),
        (b"schoolName=Hilltop&surprise&another", "Hilltop & surprise & another"),
        (b"schoolName=Hilltop&scopes=School&scopes=Student", "Hilltop"),
        ("schoolName=Hill\uffffTop".encode(), "Hill Top"),
        (b"schoolName=Hill%EF%BF%BFTop%00", "Hill Top"),
        (b"schoolName=\0", ""),
    ],
)
def test_what_nothing_acts_on_refuses_nothing(cloud: Cloud, written: bytes, name: str) -> None:
    body = authentication_form(schoolName=None) + b"&" + written
    assert post(cloud, body) == (202, "{}")
    (message,) = cloud.take(QUEUE)
    assert (message["school_name"], message["estab"]) == (name, ESTAB)
    assert unsealed(cloud, message) == SECRET


def test_a_body_without_a_content_type_is_taken_for_what_it_is(cloud: Cloud) -> None:
    assert post(cloud, content_type=None)[0] == 202


def test_each_copy_of_a_duplicate_is_acknowledged(cloud: Cloud) -> None:
    assert [post(cloud)[0] for _ in range(3)] == [202, 202, 202]
    assert cloud.depth(QUEUE) == 3


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"   ", ""),
        (b"hello", FORM),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"schoolSecret=\xff", FORM),
        (authentication_form() + b"&schoolSecret=another", FORM),
        (authentication_form() + b"\0", FORM),
        (authentication_form() + b"&schoolId=3286198", FORM),
        (authentication_form() + b"&partnerId=stranger.app", "text/plain"),
        (authentication_form(schoolId="328110"), FORM),
        (authentication_form(schoolId=None), FORM),
        (authentication_form(schoolSecret=""), FORM),
        (authentication_form(partnerId=None), FORM),
    ],
)
def test_what_is_no_callback_is_a_400_and_no_work(
    cloud: Cloud, body: bytes, content_type: str
) -> None:
    assert post(cloud, body, content_type=content_type) == (400, '{"message":"bad request"}')
    assert cloud.depth(QUEUE) == 0


def test_an_absent_body_is_a_400(cloud: Cloud) -> None:
    event = callback(f"{BASE_URL}/callbacks/authentication/{token(cloud)}", "POST")
    assert cloud.invoke(FUNCTION, event)["statusCode"] == 400
    assert cloud.depth(QUEUE) == 0


def padded(size: int) -> bytes:
    body = authentication_form() + b"&padding="
    return body + b"a" * (size - len(body))


def test_64_kib_are_taken_and_one_byte_more_is_not(cloud: Cloud) -> None:
    assert post(cloud, padded(MAX_BODY_BYTES))[0] == 202
    assert post(cloud, padded(MAX_BODY_BYTES + 1)) == (413, '{"message":"too large"}')
    assert cloud.depth(QUEUE) == 1


@pytest.mark.parametrize("guess", ["x", "%00", "a" * 5000, "..", "0" * 44])
def test_another_path_token_is_a_404_whatever_the_body_and_no_work(
    cloud: Cloud, guess: str
) -> None:
    for body in (authentication_form(), b"", b"\xff"):
        assert post(cloud, body, path_token=guess) == (404, '{"message":"Not Found"}')
    assert cloud.depth(QUEUE) == 0


def test_the_token_of_another_casing_is_another_token(cloud: Cloud) -> None:
    assert post(cloud, path_token=token(cloud).upper())[0] == 404


def rotate(cloud: Cloud) -> tuple[str, str]:
    old, new = token(cloud), "the-token-after-the-rotation"
    cloud.client("secretsmanager").put_secret_value(
        SecretId=cloud.ref("AuthenticationTokenSecret"), SecretString=new
    )
    return old, new


def test_during_a_rotation_both_tokens_are_good_and_after_the_next_the_old_one_is_not(
    deploy: Callable[..., Cloud],
) -> None:
    cloud = deploy()
    old, new = rotate(cloud)
    assert [post(cloud, path_token=each)[0] for each in (old, new)] == [202, 202]
    cloud.client("secretsmanager").put_secret_value(
        SecretId=cloud.ref("AuthenticationTokenSecret"), SecretString="the-next-token"
    )
    cloud.cool_down()
    statuses = [post(cloud, path_token=each)[0] for each in (old, new, "the-next-token")]
    assert statuses == [404, 202, 202]


def test_without_a_secret_nobody_is_let_in_and_nothing_is_stored(cloud: Cloud) -> None:
    known = token(cloud)
    cloud.client("secretsmanager").delete_secret(
        SecretId=cloud.ref("AuthenticationTokenSecret"), ForceDeleteWithoutRecovery=True
    )
    for guess in (known, "x", "%20"):
        assert post(cloud, path_token=guess) == (500, '{"message":"error"}')
    assert cloud.depth(QUEUE) == 0


def test_without_its_settings_it_fails_closed(cloud: Cloud) -> None:
    event = callback(
        f"{BASE_URL}/callbacks/authentication/{token(cloud)}", "POST", body=authentication_form()
    )
    for name in ("AUTHENTICATION_TOKEN_SECRET_ARN", "AUTHENTICATION_QUEUE_URL", "TRANSIT_KEY_ID"):
        assert cloud.invoke(FUNCTION, event, without=[name])["statusCode"] == 500


@pytest.mark.parametrize(("service", "operation"), [("sqs", "SendMessage"), ("kms", "Encrypt")])
@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("ServiceUnavailable", (503, '{"message":"try again"}')),
        ("ThrottlingException", (503, '{"message":"try again"}')),
        ("AccessDeniedException", (500, '{"message":"error"}')),
    ],
)
def test_what_could_not_be_stored_is_never_acknowledged(
    cloud: Cloud, service: str, operation: str, code: str, answer: tuple[int, str]
) -> None:
    with refusing(service, operation, code):
        assert post(cloud) == answer
    assert cloud.depth(QUEUE) == 0
    assert post(cloud)[0] == 202


def test_a_secret_store_that_is_unwell_lets_nobody_in_and_asks_to_come_again(cloud: Cloud) -> None:
    path_token = token(cloud)
    with refusing("secretsmanager", "GetSecretValue"):
        assert post(cloud, path_token=path_token)[0] == 503
        assert post(cloud, path_token="x")[0] == 503


def test_a_queue_that_is_gone_is_our_fault_and_not_acknowledged(cloud: Cloud) -> None:
    cloud.client("sqs").delete_queue(QueueUrl=cloud.ref(QUEUE))
    assert post(cloud) == (500, '{"message":"error"}')
