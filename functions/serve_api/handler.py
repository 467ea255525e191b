"""Serves the API for the company's own software."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.serve_api.application import answer
from functions.serve_api.dependencies import ApiDependencies
from functions.serve_api.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.api.queries import Queries
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.writebacks.repository import WritebackRepository


@cache
def dependencies() -> ApiDependencies:
    """Return the dependencies of the routes, made once per environment."""
    settings = Settings.from_env(os.environ)
    return ApiDependencies(
        viewer=Queries(
            schools=SchoolRepository(client("dynamodb"), settings.schools_table),
            datasets=DatasetRepository(
                client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
            ),
            requests=AvailabilityRepository(client("dynamodb"), settings.operations_table),
            writebacks=WritebackRepository(client("dynamodb"), settings.operations_table),
            store=SnapshotStore(client("s3"), settings.bucket, settings.staging_bucket),
            config=configured(settings.field_profile),
        ),
        audit=AuditTrail(
            client("dynamodb"), settings.audit_table, timedelta(days=settings.audit_days)
        ),
        vault=SchoolVault(client("kms"), settings.school_key_id),
        certificates=CertificateRepository(client("dynamodb"), settings.datasets_table),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        availability_requests=Queue(client("sqs"), settings.availability_request_queue_url),
        writebacks=Queue(client("sqs"), settings.writeback_queue_url),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        outcome_deadline=timedelta(seconds=settings.outcome_deadline_seconds),
        now=lambda: datetime.now(UTC),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the company's API: return the response, or an error as ``application/problem+json``.

    IAM has authorised the caller. 202 means that the request is stored durably.
    """
    return answer(event, context, dependencies)
