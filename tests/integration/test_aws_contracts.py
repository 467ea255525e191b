"""What the system relies on of AWS beside plain items and objects, on every emulator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.aws_calls import AwsCalls
from tests.support.builders import ESTAB, NOW, OTHER_ESTAB
from tests.support.dynamodb_expressions import (
    CONDITIONS,
    REFUSED_CONDITIONS,
    REFUSED_UPDATES,
    TAKEN_BY_DYNAMODB_LOCAL,
    UPDATES,
    VALUES,
)
from tests.support.emulated_aws import EmulatedAws, emulators_of
from tests.support.records import lease, with_facts
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ConfigurationError, ConflictError, TransientError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.events.model import new_event
from xporter_bridge.onboarding.transit_encryption import TransitEncryption
from xporter_bridge.pulls.change import Change, position_of
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import SchoolVault, with_secret
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso

LATER = timedelta(hours=2)
AwsOf = Callable[[str], EmulatedAws]


def on(service: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("emulator", emulators_of(service))


def received(client: Any, url: str) -> list[dict[str, Any]]:
    """Return what comes within two seconds, which is less than the client waits for an answer."""
    answer = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


# ---------------------------------------------------------------------- DynamoDB


@on("dynamodb")
def test_a_school_is_found_by_its_state_and_by_when_it_is_due(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    schools = SchoolRepository(aws.client("dynamodb"), aws.table("SchoolsTable"))
    live = School(ESTAB, state=SchoolState.LIVE, registrations_due_at=NOW)
    schools.change(ESTAB, lambda _: live)
    schools.change(OTHER_ESTAB, lambda _: School(OTHER_ESTAB, state=SchoolState.LIVE))
    assert schools.count(SchoolState.LIVE) == 2
    assert sorted(schools.in_state(SchoolState.LIVE)) == [ESTAB, OTHER_ESTAB]
    assert list(schools.registrations_due(SchoolState.LIVE, NOW)) == [(ESTAB, iso(NOW))]
    assert list(schools.registrations_due(SchoolState.LIVE, NOW - timedelta(days=1))) == []
    schools.change(ESTAB, lambda school: replace(school, state=SchoolState.PAUSED))
    assert schools.count(SchoolState.LIVE) == 1


@on("dynamodb")
def test_every_school_is_on_one_page_and_one_only(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    schools = SchoolRepository(aws.client("dynamodb"), aws.table("SchoolsTable"))
    estabs = [f"32811{number:02}" for number in range(7)]
    for estab in estabs:
        schools.change(estab, lambda school: replace(school, name="a school"))
    found: list[str] = []
    after: str | None = None
    while True:
        page, after = schools.page(3, after)
        found += [school.estab for school in page]
        if not after:
            break
    assert sorted(found) == estabs


@on("dynamodb")
def test_of_two_that_change_a_school_the_second_decides_again(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    schools = SchoolRepository(aws.client("dynamodb"), aws.table("SchoolsTable"))
    rivals = ["a rival's"]

    def decide(school: School) -> School:
        if rivals:
            schools.change(ESTAB, lambda held: replace(held, name=rivals.pop()))
        return replace(school, state=SchoolState.AUTHORISED)

    after = schools.change(ESTAB, decide)
    assert (after.name, after.state, after.version) == ("a rival's", SchoolState.AUTHORISED, 2)


@on("dynamodb")
def test_a_lease_is_given_once_and_proves_itself(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    datasets = DatasetRepository(aws.client("dynamodb"), aws.table("DatasetsTable"), configured())
    datasets.add_demand(ESTAB, "students", NOW)
    held = lease(datasets, ESTAB, "students", NOW)
    assert held
    assert lease(datasets, ESTAB, "students", NOW) is None
    later = NOW + timedelta(hours=1)
    taken = lease(datasets, ESTAB, "students", later)
    assert taken
    assert taken.lease.fence == held.lease.fence + 1
    with pytest.raises(ConflictError):
        datasets.renew(held, later)
    with pytest.raises(ConflictError):
        datasets.save(held, later)
    saved = datasets.save(with_facts(taken, lease_expires_at="", served=1), later)
    assert (saved.progress.served, saved.lease.expires_at) == (1, None)


@on("dynamodb")
def test_changes_are_read_in_order_over_all_shards_and_a_dataset_has_one(
    emulator: str, aws_of: AwsOf
) -> None:
    aws = aws_of(emulator)
    datasets = DatasetRepository(aws.client("dynamodb"), aws.table("DatasetsTable"), configured())
    order = ["students", "staff", "groups", "contacts", "school", "attendancesummary", "students"]
    for number, name in enumerate(order):
        at = NOW + timedelta(minutes=number)
        datasets.add_demand(ESTAB, name, at)
        held = lease(datasets, ESTAB, name, at)
        assert held
        facts = {"sequence": number + 1, "manifest": {"dataset": name, "sequence": number + 1}}
        datasets.save(with_facts(held.released(), served=1, **facts), at)
        datasets.clear_outbox(held)  # another write leaves the index as it is
    datasets.changes.note_school_erased(OTHER_ESTAB, NOW + timedelta(hours=1))
    found = list(datasets.changes.read("0", NOW + timedelta(hours=2), 3))
    names = [Change.read(text).dataset for text in found]
    assert names == [*order[1:], ""]
    assert list(datasets.changes.read(found[2], NOW + timedelta(hours=1), 3)) == found[3:-1]
    after_a_time = datasets.changes.read(position_of(NOW + timedelta(minutes=6)), NOW + LATER, 3)
    assert list(after_a_time) == found[-2:]


@on("dynamodb")
def test_a_school_has_so_many_slots_and_no_more(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    slots = DatasetRepository(
        aws.client("dynamodb"), aws.table("DatasetsTable"), configured()
    ).slots
    taken = [slots.take(ESTAB, NOW, slow_places=2) for _ in range(5)]
    assert [slot.number if slot else None for slot in taken] == [0, 1, 2, 3, None]
    assert taken[2]
    slots.release(taken[2])
    again = slots.take(ESTAB, NOW, slow_places=2)
    assert again
    assert again.number == 2


@on("dynamodb")
def test_a_table_that_is_not_there_is_a_fault_of_the_deployment(
    emulator: str, aws_of: AwsOf
) -> None:
    with pytest.raises(ConfigurationError):
        SchoolRepository(aws_of(emulator).client("dynamodb"), "no-such-table").get(ESTAB)


@pytest.mark.parametrize("emulator", [each for each in emulators_of("dynamodb") if each != "moto"])
@pytest.mark.parametrize(("kind", "read", "refused"), [
    ("ConditionExpression", CONDITIONS, REFUSED_CONDITIONS),
    ("UpdateExpression", UPDATES, REFUSED_UPDATES),
])  # fmt: skip
def test_an_expression_is_read_or_refused_as_our_rules_say(
    kind: str,
    read: list[str],
    refused: list[str],
    emulator: str,
    aws_of: AwsOf,
    aws_calls: AwsCalls,
) -> None:
    aws = aws_of(emulator)
    client, table = aws.client("dynamodb"), aws.table("SchoolsTable")

    def is_read(text: str) -> bool:
        names = {name: name[1:] for name in re.findall(r"#\w+", text)}
        values = {name: VALUES.get(name, {"N": "1"}) for name in re.findall(r":\w+", text)}
        given = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        expressions = {"ConditionExpression": "attribute_exists(nothing)", kind: text}
        try:
            client.update_item(
                TableName=table,
                Key={"estab": {"S": ESTAB}},
                **expressions,
                **{name: value for name, value in given.items() if value},
            )
        except ClientError as error:
            return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
        return True

    found = {text: is_read(text) for text in (*read, *refused)}
    expected = dict.fromkeys(read, True) | dict.fromkeys(refused, False)
    if emulator == "dynamodb-local":
        expected |= {text: True for text in refused if text in TAKEN_BY_DYNAMODB_LOCAL}
    assert found == expected
    # Its own refusals are expected here; that it refuses nothing else is what the test is about.
    assert len(aws_calls.violations) == len(refused)
    aws_calls.violations.clear()


# ---------------------------------------------------------------------- S3


@on("s3")
def test_erasing_leaves_no_version_of_anything_under_the_prefix(
    emulator: str, aws_of: AwsOf
) -> None:
    aws = aws_of(emulator)
    s3, bucket = aws.client("s3"), aws.bucket("DataBucket")
    store = SnapshotStore(s3, bucket, aws.bucket("StagingBucket"))
    for number in range(2):
        store.put_document("manifests/estab=1/latest.json", {"sequence": number})
    store.put_document("manifests/estab=2/latest.json", {"sequence": 0})
    store.delete(["manifests/estab=1/latest.json", "manifests/estab=1/gone.json"])
    assert store.read_manifest("manifests/estab=1/latest.json") is None
    assert store.erase("manifests/estab=1/") >= 3
    left = s3.list_object_versions(Bucket=bucket)
    assert [entry["Key"] for entry in left["Versions"]] == ["manifests/estab=2/latest.json"]
    assert "DeleteMarkers" not in left


@on("s3")
def test_a_key_may_hold_what_our_keys_hold(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    store = SnapshotStore(aws.client("s3"), aws.bucket("DataBucket"), aws.bucket("StagingBucket"))
    key = f"staging/estab={ESTAB}/dataset=conduct_1.b-2026-11-20/0c1b-9f/page-000001-0000000001"
    store.stage(key, b"x")
    assert store.staged_keys(f"staging/estab={ESTAB}/") == [key]
    store.publish({"snapshots/estab=1/table=Students/0000000001.ndjson.gz": key})


# ---------------------------------------------------------------------- SQS


@on("sqs")
def test_a_message_comes_as_it_was_sent(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    client, url = aws.client("sqs"), aws.queue("PullQueue")
    Queue(client, url).send({"estab": ESTAB, "name": "Ysgol y Frenni, £ 𝄞\t\n"})
    bodies = [json.loads(message["Body"]) for message in received(client, url)]
    assert bodies == [{"estab": ESTAB, "name": "Ysgol y Frenni, £ 𝄞\t\n"}]


@on("sqs")
def test_many_messages_are_sent_in_tens(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    client, url = aws.client("sqs"), aws.queue("PullQueue")
    assert Queue(client, url).send_all({"number": number} for number in range(23)) == 23
    found: set[int] = set()
    while len(found) < 23:
        messages = received(client, url)
        assert messages
        found |= {json.loads(message["Body"])["number"] for message in messages}
    assert found == set(range(23))


@on("sqs")
def test_a_dead_letter_keeps_its_body_and_says_why(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    client, url = aws.client("sqs"), aws.queue("PullDeadLetterQueue")
    Queue(client, url).dead_letter('{"estab":"1"}', "message_malformed")
    message = received(client, url)[0]
    assert message["Body"] == '{"estab":"1"}'
    assert message["MessageAttributes"]["reason"]["StringValue"] == "message_malformed"


@on("sqs")
def test_a_delayed_message_is_not_there_at_once(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    client, url = aws.client("sqs"), aws.queue("PullQueue")
    Queue(client, url).send({"estab": ESTAB}, delay_seconds=600)
    assert client.receive_message(QueueUrl=url).get("Messages", []) == []


@on("sqs")
def test_a_queue_that_is_not_there_is_a_fault_of_the_deployment(
    emulator: str, aws_of: AwsOf
) -> None:
    aws = aws_of(emulator)
    url = aws.queue("PullQueue")
    with pytest.raises(ConfigurationError):
        Queue(aws.client("sqs"), f"{url}-gone").send({"estab": ESTAB})


# ---------------------------------------------------------------------- EventBridge


@on("events")
def test_an_event_reaches_who_listens(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    name, queue = aws.bus()
    event = new_event("school.live", NOW, about="it", estab=ESTAB)
    EventBus(aws.client("events"), name).publish([event])
    got = json.loads(received(aws.client("sqs"), queue)[0]["Body"])
    assert (got["source"], got["detail-type"]) == ("xporter-bridge", "school.live")
    assert got["detail"] == event.document()


# ---------------------------------------------------------------------- KMS, Secrets Manager


@on("kms")
def test_a_data_key_opens_for_its_own_school_only(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    vault = SchoolVault(aws.client("kms"), aws.key())
    made = vault.open(ESTAB, None)
    credentials = with_secret(made, "a secret")
    assert vault.open(ESTAB, credentials).key == made.key
    with pytest.raises((ConfigurationError, TransientError)):
        vault.open(OTHER_ESTAB, credentials)


@on("kms")
def test_a_secret_travels_sealed_for_its_own_school_only(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    transit = TransitEncryption(aws.client("kms"), aws.key())
    sealed = transit.seal(ESTAB, "x" * 200)
    assert transit.unseal(ESTAB, sealed) == "x" * 200
    with pytest.raises((ConfigurationError, TransientError)):
        transit.unseal(OTHER_ESTAB, sealed)


@on("secretsmanager")
def test_a_rotated_secret_has_its_previous_version_beside_it(emulator: str, aws_of: AwsOf) -> None:
    aws = aws_of(emulator)
    client, arn = aws.client("secretsmanager"), aws.secret("first")
    keys = SigningKeys(client, arn).keys()
    assert [key.secret for key in keys] == [b"first"]
    client.put_secret_value(SecretId=arn, SecretString="second")
    keys = SigningKeys(client, arn).keys()
    assert [key.secret for key in keys] == [b"second", b"first"]


@on("secretsmanager")
def test_a_secret_that_is_not_there_is_a_fault_of_the_deployment(
    emulator: str, aws_of: AwsOf
) -> None:
    client = aws_of(emulator).client("secretsmanager")
    with pytest.raises(ConfigurationError):
        SigningKeys(client, "no-such-secret").keys()
