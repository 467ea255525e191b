"""Every rule for one request, whichever service it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel
from botocore.session import get_session

from tools.aws_rules import dynamodb, eventbridge, kms, s3, service_models, sqs

_OF_SERVICE: Mapping[str, Callable[[str, Mapping[str, Any]], list[str]]] = {
    "dynamodb": dynamodb.violations,
    "events": eventbridge.violations,
    "kms": kms.violations,
    "s3": s3.violations,
    "sqs": sqs.violations,
}


class RequestRules:
    """The rules, with the memory that those about multipart uploads need."""

    def __init__(self) -> None:
        self._uploads = s3.Uploads()

    def violations(self, operation: OperationModel, parameters: Mapping[str, Any]) -> list[str]:
        """Return what AWS would refuse the request for; empty if nothing is known.

        Args:
            parameters: As botocore takes them; blobs are bytes.
        """
        service = operation.service_model.service_name
        found = service_models.violations(parameters, operation.input_shape)
        if service in _OF_SERVICE:
            found += _OF_SERVICE[service](operation.name, parameters)
        if service == "s3":
            found += self._uploads.violations(operation.name, parameters)
        return [f"{service}:{operation.name}: {what}" for what in found]

    def result_violations(self, operation: OperationModel, result: Mapping[str, Any]) -> list[str]:
        """Return what an answer shows that AWS would have refused: an item that grew too large."""
        if operation.service_model.service_name != "dynamodb":
            return []
        item = result.get("Attributes") or {}
        return [f"dynamodb:{operation.name}: {what}" for what in dynamodb.item_violations(item)]


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's own description of a service."""
    model: ServiceModel = get_session().get_service_model(service)
    return model
