"""Onboards a school after an authentication event, or tries the stored secret again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.onboard_school.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.events.bus import EventBus
from xporter_bridge.onboarding.messages import read_onboarding
from xporter_bridge.onboarding.onboard import onboard
from xporter_bridge.onboarding.prove_secret import OnboardDependencies
from xporter_bridge.onboarding.transit_encryption import TransitEncryption
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.xporter.client import XporterApi


@cache
def dependencies() -> tuple[OnboardDependencies, Queue, Queue]:
    """Return the dependencies, the function's own queue, and its dead-letter queue."""
    settings = Settings.from_env(os.environ)
    made = OnboardDependencies(
        schools=SchoolRepository(client("dynamodb"), settings.schools_table),
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        vault=SchoolVault(client("kms"), settings.school_key_id),
        transit=TransitEncryption(client("kms"), settings.transit_key_id),
        xporter=XporterApi(settings.xporter_url),
        relying_party=settings.relying_party,
        registrations=Queue(client("sqs"), settings.registration_queue_url),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        config=configured(settings.field_profile),
        bus=EventBus(client("events"), settings.event_bus),
        second_look=timedelta(seconds=settings.scope_removal_seconds),
        now=lambda: datetime.now(UTC),
    )
    own = Queue(client("sqs"), settings.authentication_queue_url)
    return made, own, Queue(client("sqs"), settings.authentication_dead_letter_queue_url)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the authentication queue: verify the school's secret and enqueue its first pulls.

    While Xporter is down, a message is sent again for days, because no other message has the
    secret. A message that can never succeed is dead-lettered with its reason.
    """
    deps, own, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="onboard_school",
        read=read_onboarding,
        handle=lambda message: onboard(message, deps),
        park=dead_letters.dead_letter,
        resend_later=own.send,
    )
