"""Translates the exceptions of botocore into our errors. No other module does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from xporter_bridge.errors import ConfigurationError, ConflictError, TransientError

_CONFLICTS = {
    "ConditionalCheckFailedException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "PreconditionFailed",
    "ConditionalRequestConflict",
}
# A retry would not help: the deployment itself is wrong.
_MISCONFIGURED = {
    "AccessDenied",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "NoSuchBucket",
    "ValidationException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "InvalidCiphertextException",
}


@contextmanager
def translate_aws_errors(call: str) -> Iterator[None]:
    """Raise our own errors in place of botocore's within the block.

    Raises:
        ConflictError: A condition was not met.
        ConfigurationError: A resource, a permission or a key is missing.
        TransientError: Anything else: throttling, timeouts, 5xx.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _CONFLICTS:
            raise ConflictError(call) from error
        if code in _MISCONFIGURED:
            raise ConfigurationError(f"{call}: {code}") from error
        raise TransientError(f"{call}: {code}") from error
    except BotoCoreError as error:
        raise TransientError(f"{call}: {type(error).__name__}") from error
