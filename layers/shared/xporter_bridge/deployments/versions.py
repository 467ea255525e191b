"""The published versions of our functions, and calls of a version by its number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.deployments.model import Outcome, candidate, changed_names

ALIAS = "live"


class Versions:
    """Versions of the functions of a stack, which template.yaml names ``{stack}_{function}``."""

    def __init__(self, client: Any, stack: str) -> None:
        self._client = client
        self._stack = stack

    def candidate(self, function: str) -> str | None:
        """Return the function's version that will receive traffic next, if there is a new one.

        Raises:
            TransientError: Lambda could not list the versions.
        """
        with translate_aws_errors("lambda:GetAlias"):
            alias = self._client.get_alias(FunctionName=self._name(function), Name=ALIAS)
        return candidate(alias["FunctionVersion"], self._published(function))

    def invoke(self, function: str, version: str, event: Mapping[str, Any]) -> Outcome:
        """Call a version by its number, and wait for its result.

        Raises:
            TransientError: Lambda could not run it.
        """
        with translate_aws_errors("lambda:Invoke"):
            answer = self._client.invoke(
                FunctionName=self._name(function),
                Qualifier=version,
                Payload=json.dumps(event).encode(),
            )
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            return Outcome(None, str(payload.get("errorType", answer["FunctionError"])))
        return Outcome(payload)

    def differences(self, function: str, version: str) -> tuple[str, list[str]]:
        """Return the version that has the traffic, and the names of what differs in ``version``.

        Raises:
            TransientError: Lambda could not list the versions.
        """
        with translate_aws_errors("lambda:GetAlias"):
            alias = self._client.get_alias(FunctionName=self._name(function), Name=ALIAS)
        live = str(alias["FunctionVersion"])
        both = {each["Version"]: each for each in self._configurations(function)}
        return live, changed_names(both.get(live, {}), both.get(version, {}))

    def _published(self, function: str) -> Iterator[str]:
        return (each["Version"] for each in self._configurations(function))

    def _configurations(self, function: str) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {"NextMarker": None}
        while "NextMarker" in page:
            marker = {"Marker": page["NextMarker"]} if page["NextMarker"] else {}
            with translate_aws_errors("lambda:ListVersionsByFunction"):
                page = self._client.list_versions_by_function(
                    FunctionName=self._name(function), **marker
                )
            yield from page["Versions"]

    def _name(self, function: str) -> str:
        return f"{self._stack}_{function}"
