"""The two secrets are rotated in Secrets Manager's four steps, and old versions have an end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.rotate_secrets import handler
from tests.support.builders import (
    BASE_URL,
    ESTAB,
    FORM,
    OTHER_ESTAB,
    authentication_form,
    callback,
    stored_school,
)
from tests.support.moto_cloud import Cloud, recorded_calls, refusing
from xporter_bridge.callbacks.signed_urls import CallbackKind, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.errors import ConfigurationError, TransientError
from xporter_bridge.rotation.model import RotationRefusedError
from xporter_bridge.schools.model import Registration
from xporter_bridge.schools.states import SchoolState

SECRETS = {"key": "CallbackKeySecret", "token": "AuthenticationTokenSecret"}
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
KINDS = {
    CallbackKind.DATABASE: "XodSchoolData",
    CallbackKind.AVAILABILITY: "pull-4",
    CallbackKind.WRITEBACK: "writeback-4-0-1",
}
DATABASES = ("XodSchoolData", "XodAttendanceSummary")


class Clock:
    """The time of functions and of their caches, which a test may move on."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self, zone: Any = UTC) -> datetime:
        return datetime.now(zone) + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed.total_seconds()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(handler, "datetime", made)
    monkeypatch.setattr(time, "monotonic", made.monotonic)
    return made


def step(cloud: Cloud, secret: str, name: str, version: str) -> Any:
    event = {"Step": name, "SecretId": cloud.arn(SECRETS[secret]), "ClientRequestToken": version}
    return cloud.invoke("rotate_secrets", event)


def begin(cloud: Cloud, secret: str) -> str:
    """Make a pending version without a value, as Secrets Manager does; moto has no such thing."""
    version = str(uuid4())
    real = cloud.client("secretsmanager").describe_secret

    def described(**arguments: Any) -> Any:
        answer = real(**arguments)
        labels = answer["VersionIdsToStages"]
        if arguments["SecretId"] == cloud.arn(SECRETS[secret]) and version not in labels:
            labels[version] = ["AWSPENDING"]
        return answer

    patch = mock.patch.object(cloud.client("secretsmanager"), "describe_secret", described)
    patch.start()
    return version


@pytest.fixture(autouse=True)
def real_calls() -> Iterator[None]:
    yield
    mock.patch.stopall()


def stages(cloud: Cloud, secret: str) -> dict[str, str]:
    """Return the version of each label."""
    found = cloud.client("secretsmanager").describe_secret(SecretId=cloud.arn(SECRETS[secret]))
    return {label: id_ for id_, labels in found["VersionIdsToStages"].items() for label in labels}


def value(cloud: Cloud, secret: str, stage: str = "AWSCURRENT") -> str:
    answer = cloud.client("secretsmanager").get_secret_value(
        SecretId=cloud.arn(SECRETS[secret]), VersionStage=stage
    )
    return str(answer["SecretString"])


def rotate(cloud: Cloud, secret: str = "key", **more: bool) -> dict[str, int]:
    wanted = more or {"rotate": True}
    return dict(cloud.invoke("rotate_secrets", {"secret": secret, **wanted}))


def registered(cloud: Cloud, version: str, estab: str = ESTAB, **facts: Any) -> None:
    """Store a school whose webhooks bear the key of a version."""
    key, table = {"estab": {"S": estab}}, cloud.ref("SchoolsTable")
    cloud.client("dynamodb").delete_item(TableName=table, Key=key)
    entries = {
        each: Registration(each, "f" * 16, version[:8], datetime.now(UTC)) for each in DATABASES
    }
    stored_school(cloud, estab, registrations=entries, **facts)


# -- the four steps


@pytest.mark.parametrize("secret", SECRETS)
def test_after_the_four_steps_a_new_value_is_current_and_the_old_one_accepted(
    cloud: Cloud, secret: str
) -> None:
    before, old = value(cloud, secret), stages(cloud, secret)["AWSCURRENT"]
    version = begin(cloud, secret)
    for name in STEPS:
        step(cloud, secret, name, version)
    assert stages(cloud, secret) == {"AWSCURRENT": version, "AWSPREVIOUS": old}
    assert value(cloud, secret) != before == value(cloud, secret, "AWSPREVIOUS")
    assert value(cloud, secret).isalnum()
    assert len(value(cloud, secret)) == 43


def test_the_names_of_steps_in_awss_other_spelling_are_understood(cloud: Cloud) -> None:
    version = begin(cloud, "key")
    for name in ("create_secret", "set_secret", "test_secret", "finish_secret"):
        step(cloud, "key", name, version)
    assert stages(cloud, "key")["AWSCURRENT"] == version


@pytest.mark.parametrize("again", range(1, 5))
def test_every_step_may_come_twice_and_the_rotation_may_begin_again(
    cloud: Cloud, again: int
) -> None:
    version = begin(cloud, "key")
    for name in STEPS[:again]:
        step(cloud, "key", name, version)
        step(cloud, "key", name, version)
    made = value(cloud, "key", "AWSPENDING" if again < 4 else "AWSCURRENT")
    for name in STEPS:
        step(cloud, "key", name, version)
    assert value(cloud, "key") == made
    assert set(stages(cloud, "key")) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize("call", ["PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue"])
def test_a_step_that_aws_fails_changes_nothing_and_is_made_up_for(cloud: Cloud, call: str) -> None:
    version, old = begin(cloud, "key"), stages(cloud, "key")["AWSCURRENT"]

    def take_all() -> None:
        for name in STEPS:
            step(cloud, "key", name, version)

    with refusing("secretsmanager", call), pytest.raises(TransientError):
        take_all()
    assert stages(cloud, "key")["AWSCURRENT"] == old
    take_all()
    assert stages(cloud, "key") == {"AWSCURRENT": version, "AWSPREVIOUS": old}


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_a_rotation_that_dies_at_any_call_of_aws_is_ended_by_the_next_try(
    cloud: Cloud, moment: str
) -> None:
    """Before a call dies the process; after it, the answer is lost."""
    registered(cloud, "another-key")
    cloud.environment("rotate_secrets")
    with recorded_calls() as calls:
        rotate(cloud)
    rotate(cloud, drop=True)
    events = cloud.client("secretsmanager").meta.events
    count = len([each for each in calls if each.startswith("secretsmanager")])
    assert count > 10
    for number in range(count):
        old = stages(cloud, "key")["AWSCURRENT"]
        left = [number]

        def die(left: list[int] = left, **_: Any) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise EndpointConnectionError(endpoint_url="https://aws")

        events.register(f"{moment}.secretsmanager", die)
        try:
            with pytest.raises(TransientError):
                rotate(cloud)
        finally:
            events.unregister(f"{moment}.secretsmanager", die)
        assert stages(cloud, "key")["AWSCURRENT"] == old or "AWSPREVIOUS" in stages(cloud, "key")
        if "AWSPREVIOUS" not in stages(cloud, "key"):
            rotate(cloud)
        assert stages(cloud, "key")["AWSPREVIOUS"] == old
        assert value(cloud, "key").isalnum()
        assert rotate(cloud, drop=True)["dropped"] == 1


def test_a_rotation_that_ended_between_two_labels_is_ended_by_the_next_try(cloud: Cloud) -> None:
    version, old = begin(cloud, "key"), stages(cloud, "key")["AWSCURRENT"]
    for name in STEPS[:3]:
        step(cloud, "key", name, version)
    cloud.client("secretsmanager").update_secret_version_stage(
        SecretId=cloud.arn("CallbackKeySecret"),
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=old,
    )
    step(cloud, "key", "finishSecret", version)
    # AWS lets a pending label stay on the current version.
    assert stages(cloud, "key")["AWSCURRENT"] == version
    rotate(cloud, drop=True)
    assert rotate(cloud)["accepted"] == 2
    assert stages(cloud, "key")["AWSPREVIOUS"] == version


def test_what_aws_tries_before_it_stores_a_schedule_is_answered(cloud: Cloud) -> None:
    version = begin(cloud, "key")
    step(cloud, "key", "testSecret", version)
    assert stages(cloud, "key") == {
        "AWSCURRENT": stages(cloud, "key")["AWSCURRENT"],
        "AWSPENDING": version,
    }


def test_a_version_that_nobody_made_pending_is_refused(cloud: Cloud) -> None:
    cloud.arn("CallbackKeySecret")
    for name in STEPS:
        with pytest.raises(RotationRefusedError, match="version_is_not_pending"):
            step(cloud, "key", name, str(uuid4()))


def test_a_value_put_by_hand_that_no_url_can_carry_never_becomes_current(cloud: Cloud) -> None:
    version, old = str(uuid4()), stages(cloud, "key")["AWSCURRENT"]
    cloud.client("secretsmanager").put_secret_value(
        SecretId=cloud.arn("CallbackKeySecret"),
        ClientRequestToken=version,
        SecretString="a value / with more",
        VersionStages=["AWSPENDING"],
    )
    for name in ("testSecret", "finishSecret"):
        with pytest.raises(RotationRefusedError, match="value_is_malformed"):
            step(cloud, "key", name, version)
    assert stages(cloud, "key")["AWSCURRENT"] == old


@pytest.mark.parametrize(
    "event",
    [
        {"Step": "createSecret", "SecretId": "arn:of:another", "ClientRequestToken": "x"},
        {"secret": "password"},
    ],
)
def test_secrets_of_others_are_not_touched(cloud: Cloud, event: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        cloud.invoke("rotate_secrets", event)


def test_a_step_that_is_unknown_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ConfigurationError, match="not a step"):
        step(cloud, "key", "revokeSecret", "x")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_value_is_in_a_log_an_answer_or_an_error(
    deploy: Callable[..., Cloud], capsys: pytest.CaptureFixture[str], level: str
) -> None:
    cloud = deploy(LogLevel=level)
    said: list[Any] = []
    values = {value(cloud, secret) for secret in SECRETS}
    for secret in SECRETS:
        said += [rotate(cloud, secret), rotate(cloud, secret, drop=True), rotate(cloud, secret)]
        with pytest.raises(RotationRefusedError) as refused:
            rotate(cloud, secret)
        said.append(str(refused.value))
        values |= {value(cloud, secret), value(cloud, secret, "AWSPREVIOUS")}
    output = capsys.readouterr()
    text = output.out + output.err + json.dumps(said)
    assert "rotation_step_taken" in text
    assert len(values) == 6
    assert not [each for each in values if each in text]


# -- one rotation at a time


@pytest.mark.parametrize("secret", SECRETS)
def test_a_second_rotation_is_refused_while_the_old_version_is_accepted(
    cloud: Cloud, secret: str
) -> None:
    registered(cloud, stages(cloud, "key")["AWSCURRENT"])
    rotate(cloud, secret)
    before = stages(cloud, secret)
    version = begin(cloud, secret)
    with pytest.raises(RotationRefusedError, match="the_previous_version_is_still_accepted"):
        step(cloud, secret, "createSecret", version)
    with pytest.raises(RotationRefusedError, match="the_previous_version_is_still_accepted"):
        rotate(cloud, secret)
    mock.patch.stopall()
    assert stages(cloud, secret) == before


def test_a_secret_changed_by_hand_during_a_rotation_ends_the_rotation(cloud: Cloud) -> None:
    version = begin(cloud, "key")
    for name in STEPS[:3]:
        step(cloud, "key", name, version)
    cloud.client("secretsmanager").put_secret_value(
        SecretId=cloud.arn("CallbackKeySecret"), SecretString="h" * 43
    )
    with pytest.raises(RotationRefusedError, match="the_previous_version_is_still_accepted"):
        step(cloud, "key", "finishSecret", version)
    assert value(cloud, "key") == "h" * 43


def test_an_operator_continues_a_rotation_that_ended_half_way(cloud: Cloud) -> None:
    version = begin(cloud, "key")
    step(cloud, "key", "createSecret", version)
    made = value(cloud, "key", "AWSPENDING")
    rotate(cloud)
    assert value(cloud, "key") == made
    assert stages(cloud, "key")["AWSCURRENT"] == version


# -- the end of the old version


def test_the_old_key_ends_when_nothing_can_bear_it(cloud: Cloud, clock: Clock) -> None:
    old = stages(cloud, "key")["AWSCURRENT"]
    registered(cloud, old)
    registered(cloud, old, OTHER_ESTAB)
    begun = rotate(cloud)
    new = stages(cloud, "key")["AWSCURRENT"]
    assert begun["schools"] == begun["on_previous"] == begun["accepted"] == 2
    registered(cloud, new)
    clock.passed = timedelta(hours=3)
    assert cloud.invoke("rotate_secrets", {}) == {"dropped": 0}
    registered(cloud, new, OTHER_ESTAB)
    clock.passed = timedelta(minutes=74)
    state = rotate(cloud, follow=True)
    assert (state["on_current"], state["on_previous"], state["dropped"]) == (2, 0, 0)
    assert 0 < state["wait_seconds"] <= 240
    clock.passed = timedelta(minutes=78)
    assert cloud.invoke("rotate_secrets", {}) == {"dropped": 1}
    assert stages(cloud, "key") == {"AWSCURRENT": new}
    # The rotation has come to its end, so the next one may begin.
    assert rotate(cloud)["accepted"] == 2


def test_a_school_that_is_not_pulled_keeps_no_key(cloud: Cloud, clock: Clock) -> None:
    registered(cloud, stages(cloud, "key")["AWSCURRENT"], state=SchoolState.PAUSED)
    rotate(cloud)
    clock.passed = timedelta(hours=2)
    assert rotate(cloud, follow=True)["dropped"] == 1


def test_a_fleet_of_several_pages_is_counted_whole(cloud: Cloud) -> None:
    old = stages(cloud, "key")["AWSCURRENT"]
    for number in range(5):
        registered(cloud, old, f"328000{number}")
    with mock.patch("xporter_bridge.rotation.follow._PAGE", 2):
        assert rotate(cloud)["on_previous"] == 5


def test_nobody_but_a_person_drops_the_old_token(cloud: Cloud, clock: Clock) -> None:
    rotate(cloud, "token")
    clock.passed = timedelta(days=400)
    assert cloud.invoke("rotate_secrets", {}) == {"dropped": 0}
    assert rotate(cloud, "token", follow=True) == {"accepted": 2, "dropped": 0}
    assert rotate(cloud, "token", drop=True) == {"accepted": 1, "dropped": 1}
    assert rotate(cloud, "token", drop=True) == {"accepted": 1, "dropped": 0}


def test_a_leaked_key_is_dropped_although_schools_hold_it(cloud: Cloud) -> None:
    registered(cloud, stages(cloud, "key")["AWSCURRENT"])
    rotate(cloud)
    state = rotate(cloud, drop=True)
    assert (state["accepted"], state["dropped"], state["on_previous"]) == (1, 1, 1)


def test_without_a_rotation_the_hourly_look_reads_no_school(cloud: Cloud) -> None:
    cloud.environment("rotate_secrets")
    with recorded_calls() as made:
        cloud.invoke("rotate_secrets", {})
    assert made == ["secretsmanager:DescribeSecret"] * 2


@pytest.mark.parametrize("secret", SECRETS)
def test_an_old_version_is_counted_for_the_alarms_until_it_is_dropped(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    registered(cloud, stages(cloud, "key")["AWSCURRENT"])
    rotate(cloud, secret)
    assert counted(capsys, secret)[-1] == 1
    cloud.invoke("rotate_secrets", {})
    assert counted(capsys, secret) == [1]
    rotate(cloud, secret, drop=True)
    assert counted(capsys, secret) == [0]


def counted(capsys: pytest.CaptureFixture[str], secret: str) -> list[float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [
        line["OldSecretAccepted"][0]
        for line in lines
        if "OldSecretAccepted" in line and line["Secret"] == secret
    ]


# -- under a stream of callbacks


class Stream:
    """What Xporter calls, whatever happens meanwhile."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.accepted = 0
        self.refused: list[str] = []

    def urls(self) -> list[str]:
        """Return a URL of each kind, signed by a function that starts now."""
        client = self._cloud.client("secretsmanager")
        keys = SigningKeys(client, self._cloud.arn("CallbackKeySecret")).keys()
        return [
            sign(kind, ESTAB, subject, base_url=BASE_URL, keys=keys)
            for kind, subject in KINDS.items()
        ]

    def call(self, *urls: str) -> None:
        for url in urls:
            kind = url.partition("?")[0].rpartition("/")[2]
            event = callback(f"{url}&XodCompleted=True", "POST")
            status = self._cloud.invoke(f"receive_{kind}", event)["statusCode"]
            self._count(status, url)

    def authorise(self, token: str) -> None:
        form = authentication_form(schoolSecret="s" * 32, schoolId=ESTAB)
        url = f"{BASE_URL}/callbacks/authentication/{token}"
        event = callback(url, "POST", body=form, content_type=FORM, is_base64=True)
        status = self._cloud.invoke("receive_authentication", event)["statusCode"]
        self._count(status, url)

    def _count(self, status: int, url: str) -> None:
        self.accepted += status == 202
        self.refused += [] if status == 202 else [url]

    def stored(self) -> int:
        queues = ("DatabaseQueue", "AvailabilityQueue", "OutcomeQueue", "AuthenticationQueue")
        return sum(len(self._cloud.take(queue)) for queue in queues)


@pytest.mark.parametrize("are_warm", [True, False], ids=["warm receivers", "new receivers"])
def test_under_a_stream_of_callbacks_none_is_refused_none_lost_and_the_old_urls_end(
    cloud: Cloud, clock: Clock, are_warm: bool
) -> None:
    old_version = stages(cloud, "key")["AWSCURRENT"]
    registered(cloud, old_version)
    stream = Stream(cloud)
    for kind in (*KINDS, "authentication"):
        cloud.environment(f"receive_{kind}")
    old_urls, old_token, is_flowing = stream.urls(), value(cloud, "token"), False

    def flow(**_: Any) -> None:
        """Call with old URLs and with whatever a function would sign at this moment."""
        nonlocal is_flowing
        if is_flowing:
            return
        is_flowing = True
        if not are_warm:
            for function in ("database", "availability", "writeback", "authentication"):
                cloud._warm.pop(f"receive_{function}", None)
        clock.passed += timedelta(seconds=6)
        stream.call(*old_urls, *stream.urls())
        stream.authorise(old_token)
        stream.authorise(value(cloud, "token"))
        is_flowing = False

    events = cloud.client("secretsmanager").meta.events
    events.register("after-call.secretsmanager", flow)
    try:
        rotate(cloud, "key")
        rotate(cloud, "token")
        assert stream.accepted > 150
        registered(cloud, stages(cloud, "key")["AWSCURRENT"])
        rotate(cloud, "key", follow=True)
    finally:
        events.unregister("after-call.secretsmanager", flow)
    assert stream.refused == []
    assert stream.stored() == stream.accepted

    clock.passed += timedelta(hours=2)
    assert rotate(cloud, "key", follow=True)["dropped"] == 1
    assert rotate(cloud, "token", drop=True)["dropped"] == 1
    clock.passed += timedelta(seconds=61)
    before = stream.accepted
    stream.call(*old_urls)
    stream.authorise(old_token)
    assert len(stream.refused) == 4
    assert stream.accepted == before
    assert stream.stored() == 0
    stream.call(*stream.urls())
    stream.authorise(value(cloud, "token"))
    assert stream.stored() == stream.accepted - before == 4
