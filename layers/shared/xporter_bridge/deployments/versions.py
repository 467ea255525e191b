"""Calls of single versions of our functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from xporter_bridge.aws.errors import translated
from xporter_bridge.deployments.model import Outcome


class Versions:
    """Published versions of Lambda functions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def invoke(self, version: str, event: Mapping[str, Any]) -> Outcome:
        """Call the version of an ARN and wait for what it returns or raises.

        Raises:
            TransientError: Lambda could not run it.
        """
        with translated("lambda:Invoke"):
            answer = self._client.invoke(FunctionName=version, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            return Outcome(None, str(payload.get("errorType", answer["FunctionError"])))
        return Outcome(payload)
