"""What KMS refuses beyond its service model, which has the 4,096 bytes that one call may encrypt.

https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html and API_Encrypt.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WITH_KEY_SPEC = {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}


def violations(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what KMS would refuse a request for."""
    context = parameters.get("EncryptionContext", {})
    found = [
        f"EncryptionContext.{name}: is empty"
        for name, value in context.items()
        if not (name and value)
    ]
    given = [name for name in ("KeySpec", "NumberOfBytes") if name in parameters]
    if operation in _WITH_KEY_SPEC and len(given) != 1:
        found.append("exactly one of KeySpec and NumberOfBytes must be given")
    return found
