"""Holds every call of AWS that this process makes against what AWS refuses, whoever answers it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

from botocore import xform_name
from botocore.client import BaseClient
from botocore.model import OperationModel

from tools.aws_rules.requests import RequestRules, service_model


class AwsCalls:
    """What was called, and what AWS would have refused of it."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self._rules = RequestRules()
        self._lock = threading.Lock()

    def before(self, model: Any, parameters: Mapping[str, Any]) -> None:
        """Take note of a request."""
        with self._lock:
            self.made.append((model.service_model.service_name, model.name))
            self.violations += self._rules.violations(model, parameters)

    def after(self, model: Any, result: Mapping[str, Any]) -> None:
        """Take note of an answer; what a table of boto3's returns has no types of DynamoDB's."""
        item = result.get("Attributes", {})
        if all(isinstance(value, Mapping) for value in item.values()):
            with self._lock:
                self.violations += self._rules.result_violations(model, result)


@contextmanager
def watched_calls() -> Iterator[AwsCalls]:
    """Record the calls of every client of botocore's, also of those that exist already."""
    calls = AwsCalls()
    prepare, call = BaseClient._emit_api_params, BaseClient._make_api_call

    def prepared(client: Any, api_params: Any, operation_model: Any, **given: Any) -> Any:
        sent = prepare(client, api_params, operation_model, **given)
        # boto3's tables turn values into DynamoDB's only here; the tests' cloud takes delays out.
        is_dynamodb = operation_model.service_model.service_name == "dynamodb"
        calls.before(operation_model, sent if is_dynamodb else api_params)
        return sent

    def called(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        result = call(client, operation, parameters)
        calls.after(client.meta.service_model.operation_model(operation), result)
        return result

    with (
        mock.patch.object(BaseClient, "_emit_api_params", prepared),
        mock.patch.object(BaseClient, "_make_api_call", called),
    ):
        yield calls


class HeldAgainstRules:
    """A stand-in for one of botocore's clients, whose calls AWS must not refuse either."""

    def __init__(self, stand_in: Any, service: str) -> None:
        self._stand_in, self._service = stand_in, service
        self._rules = RequestRules()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stand_in, name)
        operation = _operations(self._service).get(name)
        if operation is None:
            return method

        def call(**parameters: Any) -> Any:
            found = self._rules.violations(operation, parameters)
            if found:
                raise AssertionError("; ".join(found))
            return method(**parameters)

        return call


@cache
def _operations(service: str) -> Mapping[str, OperationModel]:
    """Return what a client's methods call."""
    model = service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}
