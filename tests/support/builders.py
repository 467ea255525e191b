"""What tests are made of: callbacks, messages and schools, valid unless a test says otherwise."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.slots import SLOTS_PER_SCHOOL
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.writebacks.repository import WritebackRepository

ESTAB = "3281102"
OTHER_ESTAB = "3286198"
RELYING_PARTY = "live.example.app"
BASE_URL = "https://callbacks.example.app"
SECRET = "0755658d-0c81-4bfc-93a2-77b9e873914f"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEY = SigningKey("key-0001", b"a secret of ours that nobody knows")
FORM = "application/x-www-form-urlencoded"
ALL_SCOPES = (
    "School", "Student", "StudentExtended", "Staff", "Contact", "Attendance", "Conduct",
    "StudentDemographic", "Address", "UPN", "WritebackAttendance", "WritebackConduct",
)  # fmt: skip


def callback(
    url: str,
    method: str = "GET",
    *,
    body: bytes | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    is_base64: bool = False,
) -> dict[str, Any]:
    """Return the event that API Gateway makes of a call to the URL (payload format 2.0)."""
    parts = urlsplit(url)
    sent = {"host": parts.netloc, **(headers or {})}
    if content_type is not None:
        sent["content-type"] = content_type
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {parts.path}",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": sent,
        "requestContext": {
            "http": {"method": method, "path": parts.path},
            "requestId": "AbCdEfGhIjKlMnO=",
        },
        "isBase64Encoded": is_base64,
    }
    if body is not None:
        encoded = base64.b64encode(body).decode() if is_base64 else body.decode()
        event["body"] = encoded
    if parts.path.startswith("/callbacks/authentication/"):
        event["pathParameters"] = {"token": parts.path.rsplit("/", 1)[1]}
    return event


def signed_url(
    kind: CallbackKind = CallbackKind.DATABASE,
    estab: str = ESTAB,
    subject: str = "XodSchoolData",
    *keys: SigningKey,
) -> str:
    """Return a callback URL as we give it to Xporter."""
    return sign(kind, estab, subject, base_url=BASE_URL, keys=keys or (KEY,))


def authentication_form(**fields: str | None) -> bytes:
    """Return the body of an authentication callback; None leaves a field out."""
    documented: dict[str, str | None] = {
        "schoolSecret": SECRET,
        "schoolId": ESTAB,
        "schoolEmail": "head@school.example",
        "schoolName": "Testing School",
        "templateScopes": "School,Student,Staff",
        "scopes": "School,Student",
        "thirdParty": "XporterOnDemand",
        "partnerId": RELYING_PARTY,
    }
    given = {name: value for name, value in {**documented, **fields}.items() if value is not None}
    return urlencode(given).encode()


def authorise(cloud: Cloud, secret: str, estab: str = ESTAB, **fields: str | None) -> None:
    """Have the school's authentication callback received; ``onboard_school`` is still to come."""
    answer = cloud.client("secretsmanager").get_secret_value(
        SecretId=cloud.ref("AuthenticationTokenSecret")
    )
    reply = cloud.invoke(
        "receive_authentication",
        callback(
            f"{BASE_URL}/callbacks/authentication/{answer['SecretString']}",
            "POST",
            body=authentication_form(schoolSecret=secret, schoolId=estab, **fields),
            content_type=FORM,
            is_base64=True,
        ),
    )
    assert reply["statusCode"] == 202, reply


def onboard(cloud: Cloud, secret: str, estab: str = ESTAB, **fields: str | None) -> School:
    """Have the school authorise us and its secret proved, and return what is known of it then."""
    authorise(cloud, secret, estab, **fields)
    cloud.settle("AuthenticationQueue")
    school = school_table(cloud).get(estab)
    assert school is not None
    return school


def records(*bodies: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return the event of one batch from a queue, its message ids counted from ``message-0``."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def school_table(cloud: Cloud) -> SchoolRepository:
    """Return the deployment's table of schools."""
    return SchoolRepository(cloud.client("dynamodb"), cloud.ref("SchoolsTable"))


def writeback_table(cloud: Cloud) -> WritebackRepository:
    """Return the writebacks in the deployment's table of operations."""
    return WritebackRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable"))


def dataset_table(cloud: Cloud) -> DatasetRepository:
    """Return the deployment's table of datasets."""
    return DatasetRepository(cloud.client("dynamodb"), cloud.ref("DatasetsTable"), configured())


def take_requested(cloud: Cloud, estab: str = ESTAB) -> list[str]:
    """Take the pull messages of a school, and return the datasets that they are for.

    A message for each slot of the school is enough for every dataset that waits.
    """
    named = {message["dataset"] for message in cloud.take("PullQueue")}
    if not named:
        return []
    waiting = sorted(item.dataset for item in dataset_table(cloud).of_school(estab) if item.is_due)
    assert named <= set(waiting)
    assert len(named) == min(len(waiting), SLOTS_PER_SCHOOL)
    return waiting


def of_a_later_version(cloud: Cloud, estab: str) -> None:
    """Give a stored school a registration with a field that this version knows nothing of."""
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("SchoolsTable"),
        Key={"estab": {"S": estab}},
        UpdateExpression="SET registrations = :new",
        ExpressionAttributeValues={":new": {"S": '[{"database": "XodSchoolData", "tier": 2}]'}},
    )


def vault(cloud: Cloud) -> SchoolVault:
    """Return what seals and opens the deployment's credentials."""
    return SchoolVault(cloud.client("kms"), cloud.ref("SchoolKey"))


def stored_school(
    cloud: Cloud,
    estab: str = ESTAB,
    *,
    secret: str = SECRET,
    state: SchoolState = SchoolState.LIVE,
    scopes: tuple[str, ...] = ALL_SCOPES,
    **facts: Any,
) -> School:
    """Store a school whose secret is proved, and return it."""
    credentials = vaults.with_secret(vault(cloud).open(estab, None), secret)
    school = School(estab, state=state, scopes=scopes, credentials=credentials, **facts)
    return school_table(cloud).change(estab, lambda _: school)


def stored_secret(cloud: Cloud, estab: str = ESTAB) -> str | None:
    """Return the secret that is stored for the school, opened."""
    school = school_table(cloud).get(estab)
    if school is None or school.credentials is None:
        return None
    return vaults.secret_of(vault(cloud).open(estab, school.credentials), school.credentials)
